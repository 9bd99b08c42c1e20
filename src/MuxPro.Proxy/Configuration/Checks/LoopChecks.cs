using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>
/// Finds traffic that would go round for ever: outbounds that go through each other, and outbounds that lead to an inbound of the same
/// program from which, where no rule says otherwise, connections come back to them.
/// </summary>
internal static class LoopChecks
{
    public static IEnumerable<Finding> Find(DaemonConfiguration configuration)
    {
        var reported = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (object start in configuration.Inbounds.Cast<object>().Concat(configuration.Outbounds))
        {
            if (FindCycle(configuration, start, []) is { } cycle && !cycle.Any(reported.Contains))
            {
                reported.UnionWith(cycle);
                bool isChain = cycle.All(static node => node is OutboundConfiguration);
                string way = string.Join(" -> ", cycle.Append(cycle[0]).Select(NameOf));
                yield return new Finding(
                    cycle[0], isChain ? "proxySettings" : "",
                    $"connections would go round for ever: {way}; "
                        + $"{(isChain ? "one of them has to go out by itself" : "a rule by 'inboundTag' can send them elsewhere")}.");
            }
        }
    }

    private static List<object>? FindCycle(DaemonConfiguration configuration, object node, List<object> path)
    {
        int seen = path.FindIndex(other => ReferenceEquals(other, node));
        if (seen >= 0)
        {
            return path[seen..];
        }

        path.Add(node);
        foreach (object next in Next(configuration, node))
        {
            if (FindCycle(configuration, next, path) is { } cycle)
            {
                return cycle;
            }
        }

        path.RemoveAt(path.Count - 1);
        return null;
    }

    private static IEnumerable<object> Next(DaemonConfiguration configuration, object node) => node switch
    {
        InboundConfiguration inbound => LastResorts(configuration, inbound),
        OutboundConfiguration { ProxySettings.Tag: var through } => configuration.Outbounds.Where(outbound => outbound.Tag == through),
        OutboundConfiguration outbound
            => configuration.Inbounds.Where(inbound => TargetsOf(outbound).Any(target => Listens(inbound, target.Host, target.Port))),
        _ => [],
    };

    /// <summary>Where connections of an inbound go that no rule with a condition of its own takes.</summary>
    private static IEnumerable<object> LastResorts(DaemonConfiguration configuration, InboundConfiguration inbound)
    {
        RuleConfiguration? rule = configuration.Routing.Rules.FirstOrDefault(rule => !RoutingChecks.HasCondition(rule, countInbounds: false)
            && (rule.InboundTag.Count == 0 || rule.InboundTag.Contains(inbound.Tag)));
        BalancerConfiguration? balancer = configuration.Routing.Balancers.FirstOrDefault(balancer => balancer.Tag == rule?.BalancerTag);
        if (balancer is not null)
        {
            return configuration.Outbounds.Where(outbound => balancer.Selects(outbound.Tag));
        }

        return rule?.OutboundTag is { } tag
            ? configuration.Outbounds.Where(outbound => outbound.Tag == tag)
            : configuration.Outbounds.Take(1);
    }

    private static IEnumerable<(string Host, int Port)> TargetsOf(OutboundConfiguration outbound)
    {
        IReadOnlyList<ServerConfiguration> servers = outbound.Settings switch
        {
            MuxOutboundSettings mux => mux.Servers,
            SocksOutboundSettings socks => socks.Servers,
            HttpOutboundSettings http => http.Servers,
            _ => [],
        };
        foreach (ServerConfiguration server in servers)
        {
            yield return (server.Address, server.Port ?? 0);
        }

        if (outbound.Settings is DirectOutboundSettings { Redirect: { Host: { } host, Port: var port and > 0 } })
        {
            yield return (host, port);
        }
    }

    private static bool Listens(InboundConfiguration inbound, string host, int port)
    {
        if (inbound.StreamSettings.Network == TransportNetwork.Unix)
        {
            return inbound.Listen == host;
        }

        if (inbound.Port?.Contains(port) != true || !IPAddress.TryParse(inbound.Listen, out IPAddress? listen))
        {
            return false;
        }

        bool isAny = listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any);
        return IPAddress.TryParse(host, out IPAddress? address)
            ? address.Equals(listen) || (isAny && IPAddress.IsLoopback(address))
            : host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && (isAny || IPAddress.IsLoopback(listen));
    }

    private static string NameOf(object node) => node switch
    {
        InboundConfiguration inbound => $"inbound '{inbound.Tag}'",
        OutboundConfiguration outbound => $"outbound '{outbound.Tag}'",
        _ => "",
    };
}
