using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What is wrong with rules, balancers and chains.</summary>
internal static class RoutingChecks
{
    public static IEnumerable<Finding> Find(DaemonConfiguration configuration)
        => Rules(configuration).Concat(Balancers(configuration)).Concat(Chains(configuration)).Concat(LoopChecks.Find(configuration));

    private static IEnumerable<Finding> Rules(DaemonConfiguration configuration)
    {
        string[] outbounds = [.. configuration.Outbounds.Select(static outbound => outbound.Tag)];
        string[] balancers = [.. configuration.Routing.Balancers.Select(static balancer => balancer.Tag)];
        string[] inbounds = [.. configuration.Inbounds.Select(static inbound => inbound.Tag)];
        IReadOnlyList<RuleConfiguration> rules = configuration.Routing.Rules;
        for (int i = 0; i < rules.Count; i++)
        {
            RuleConfiguration rule = rules[i];
            if (rule.OutboundTag is { } outbound && !outbounds.Contains(outbound))
            {
                yield return new Finding(
                    rule, "outboundTag", $"there is no outbound '{outbound}'{Spelling.DidYouMean(outbounds, outbound)}");
            }

            if (rule.BalancerTag is { } balancer && !balancers.Contains(balancer))
            {
                yield return new Finding(
                    rule, "balancerTag", $"there is no balancer '{balancer}'{Spelling.DidYouMean(balancers, balancer)}");
            }

            if (rule.OutboundTag is not null && rule.BalancerTag is not null)
            {
                yield return new Finding(rule, "balancerTag", "a rule goes to an outbound or to a balancer: leave one of them out.");
            }

            if (rule.OutboundTag is null && rule.BalancerTag is null && rule.Priority is null)
            {
                yield return new Finding(rule, "", "the rule says nothing: it needs 'outboundTag', 'balancerTag' or 'priority'.");
            }

            for (int j = 0; j < rule.InboundTag.Count; j++)
            {
                if (!inbounds.Contains(rule.InboundTag[j]))
                {
                    yield return new Finding(
                        rule, $"inboundTag[{j}]",
                        $"there is no inbound '{rule.InboundTag[j]}'{Spelling.DidYouMean(inbounds, rule.InboundTag[j])}");
                }
            }

            if (i < rules.Count - 1 && !HasCondition(rule))
            {
                yield return new Finding(
                    rule, "", $"matches everything: the {rules.Count - 1 - i} rules behind it are never reached.", IsWarning: true);
            }
        }
    }

    /// <summary>Whether a rule asks for anything beside where a connection came in.</summary>
    public static bool HasCondition(RuleConfiguration rule, bool countInbounds = true)
        => rule.Domain.Count > 0 || rule.Ip.Count > 0 || rule.Port is not null || rule.Network is not null || rule.Source.Count > 0
        || rule.SourcePort is not null || rule.User.Count > 0 || (countInbounds && rule.InboundTag.Count > 0);

    private static IEnumerable<Finding> Balancers(DaemonConfiguration configuration)
    {
        string[] outbounds = [.. configuration.Outbounds.Select(static outbound => outbound.Tag)];
        foreach (BalancerConfiguration balancer in configuration.Routing.Balancers)
        {
            if (balancer.Selector.Count == 0)
            {
                yield return new Finding(balancer, "selector", "is empty: the tags of outbounds, or what they begin with.");
            }

            for (int i = 0; i < balancer.Selector.Count; i++)
            {
                if (!outbounds.Any(tag => tag.StartsWith(balancer.Selector[i], StringComparison.Ordinal)))
                {
                    yield return new Finding(
                        balancer, $"selector[{i}]",
                        $"no outbound's tag begins with '{balancer.Selector[i]}'{Spelling.DidYouMean(outbounds, balancer.Selector[i])}");
                }
            }

            if (balancer.FallbackTag is { } fallback && !outbounds.Contains(fallback))
            {
                yield return new Finding(
                    balancer, "fallbackTag", $"there is no outbound '{fallback}'{Spelling.DidYouMean(outbounds, fallback)}");
            }
        }
    }

    private static IEnumerable<Finding> Chains(DaemonConfiguration configuration)
    {
        string[] outbounds = [.. configuration.Outbounds.Select(static outbound => outbound.Tag)];
        foreach (OutboundConfiguration outbound in configuration.Outbounds)
        {
            if (outbound.ProxySettings is { Tag: var tag } chain && !outbounds.Contains(tag))
            {
                yield return new Finding(chain, "tag", $"there is no outbound '{tag}'{Spelling.DidYouMean(outbounds, tag)}");
            }
        }
    }
}
