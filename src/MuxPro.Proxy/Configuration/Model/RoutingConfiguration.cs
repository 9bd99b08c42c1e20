using System.ComponentModel;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Which outbound a connection takes.</summary>
[NotServed("domainMatcher", "nothing: there is one")]
internal sealed record RoutingConfiguration
{
    [Description(
        "Whether names are looked up for rules by 'ip': 'AsIs' never, 'IPIfNonMatch' when no rule matched, "
            + "'IPOnDemand' as soon as a rule by 'ip' asks.")]
    public RoutingDomainStrategy DomainStrategy { get; init; } = RoutingDomainStrategy.AsIs;

    [Description("The rules, in order: the first one that matches is taken.")]
    public IReadOnlyList<RuleConfiguration> Rules { get; init; } = [];

    [Description("Groups of outbounds that share the load.")]
    public IReadOnlyList<BalancerConfiguration> Balancers { get; init; } = [];
}

/// <summary>Whether names are looked up for rules by address.</summary>
internal enum RoutingDomainStrategy
{
    AsIs,
    IPIfNonMatch,
    IPOnDemand,
}

/// <summary>A rule: it matches where all the fields that it has do. A field with several values matches where one of them does.</summary>
[NotServed("attrs", "'domain' and 'port'")]
[NotServed("protocol", "'domain' and 'port'")]
[NotServed("ruleTag", "a comment")]
[NotServed("sourceIP", "'source'")]
[NotServed("process", "'user' or 'source'")]
[NotServed("geoip", "'ip'")]
internal sealed record RuleConfiguration
{
    [Description("V2Ray's; 'field', or left out.")]
    public RuleType Type { get; init; } = RuleType.Field;

    [Description(
        "The target's name: 'keyword' anywhere in it, 'domain:example.com' with all below it, 'full:www.example.com' alone, "
            + "'regexp:^a+\\.example$'.")]
    [Alias("domains")]
    public IReadOnlyList<DomainPattern> Domain { get; init; } = [];

    [Description("The target's address: an address, a network '10.0.0.0/8', or 'private' for all that are not of the public internet.")]
    public IReadOnlyList<AddressPattern> Ip { get; init; } = [];

    [Description("The target's port: a number, or numbers and ranges such as '80,443,8000-8999'.")]
    public PortRanges? Port { get; init; }

    [Description("'tcp', 'udp' or 'tcp,udp'.")]
    public Networks? Network { get; init; }

    [Description("The application's address, in the forms of 'ip'.")]
    public IReadOnlyList<AddressPattern> Source { get; init; } = [];

    [Description("The application's port, in the forms of 'port'.")]
    public PortRanges? SourcePort { get; init; }

    [Description("The tags of the inbounds that it came in at.")]
    public IReadOnlyList<string> InboundTag { get; init; } = [];

    [Description("The names of users, as accounts and authorized keys have them.")]
    public IReadOnlyList<string> User { get; init; } = [];

    [Description("The outbound that it takes. A rule has this, or 'balancerTag', or only a 'priority'; then it is the first outbound.")]
    public string? OutboundTag { get; init; }

    [Description("The balancer that chooses the outbound.")]
    public string? BalancerTag { get; init; }

    [Description(
        "The priority of a sub-connection: 0 is served first, 255 last; left out, the one that it came in with over a main connection, "
            + "or 128.")]
    [Range(0, 255)]
    public int? Priority { get; init; }
}

/// <summary>The only type of rules.</summary>
internal enum RuleType
{
    Field,
}

/// <summary>A group of outbounds.</summary>
internal sealed record BalancerConfiguration
{
    [Description("Its name, for 'balancerTag' of rules. Each is used once.")]
    public required string Tag { get; init; }

    [Description("The outbounds: their tags, or what their tags begin with. At least one.")]
    public IReadOnlyList<string> Selector { get; init; } = [];

    [Description("How one is chosen.")]
    public BalancerStrategyConfiguration Strategy { get; init; } = new();

    [Description("The outbound that is taken while none of the others works.")]
    public string? FallbackTag { get; init; }

    /// <summary>Whether it takes an outbound: by its tag, or by what that begins with.</summary>
    public bool Selects(string tag) => Selector.Any(selector => tag.StartsWith(selector, StringComparison.Ordinal));
}

/// <summary>How a balancer chooses.</summary>
internal sealed record BalancerStrategyConfiguration
{
    [Description("'random', 'roundRobin', or 'leastLoad' for the one with the fewest open connections.")]
    public BalancerStrategy Type { get; init; } = BalancerStrategy.Random;
}

/// <summary>How a balancer chooses.</summary>
internal enum BalancerStrategy
{
    Random,
    RoundRobin,
    LeastLoad,
}
