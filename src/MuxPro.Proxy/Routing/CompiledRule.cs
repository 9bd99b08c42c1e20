using System.Collections.Frozen;
using System.Net;
using System.Text.RegularExpressions;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Routing;

/// <summary>A rule in the form in which it is compared: it matches where all its conditions do. Immutable.</summary>
internal sealed class CompiledRule
{
    private readonly DomainMatcher? _domain;
    private readonly AddressMatcher? _address;
    private readonly AddressMatcher? _source;
    private readonly PortRange[]? _ports;
    private readonly PortRange[]? _sourcePorts;
    private readonly Networks? _network;
    private readonly FrozenSet<string>? _inbounds;
    private readonly FrozenSet<string>? _users;

    public CompiledRule(RuleConfiguration rule, int index, Action<Regex> onRegexTimeout)
    {
        _domain = rule.Domain.Count == 0 ? null : new DomainMatcher(rule.Domain, onRegexTimeout);
        _address = rule.Ip.Count == 0 ? null : new AddressMatcher(rule.Ip);
        _source = rule.Source.Count == 0 ? null : new AddressMatcher(rule.Source);
        _ports = rule.Port is null ? null : [.. rule.Port.Ranges];
        _sourcePorts = rule.SourcePort is null ? null : [.. rule.SourcePort.Ranges];
        _network = rule.Network;
        _inbounds = rule.InboundTag.Count == 0 ? null : rule.InboundTag.ToFrozenSet(StringComparer.Ordinal);
        _users = rule.User.Count == 0 ? null : rule.User.ToFrozenSet(StringComparer.Ordinal);
        Route = new Route(rule.OutboundTag, rule.BalancerTag, (byte?)rule.Priority, index);
    }

    public Route Route { get; }

    /// <summary>Whether it asks for the target's address.</summary>
    public bool HasAddress => _address is not null;

    /// <param name="request">What is asked for.</param>
    /// <param name="name">The target's name without a dot at its end; empty where the target is an address.</param>
    /// <param name="addresses">The target's addresses, as far as they are known.</param>
    public bool Matches(in RouteRequest request, ReadOnlySpan<char> name, ReadOnlySpan<IPAddress> addresses)
        => (_network is not { } network || network.Has(request.Target.Network))
        && (_ports is null || IsIn(_ports, request.Target.Port))
        && (_inbounds is null || _inbounds.Contains(request.InboundTag))
        && (_users is null || (request.User is { } user && _users.Contains(user)))
        && (_source is null || (request.Source is { } source && _source.Matches(source.Address)))
        && (_sourcePorts is null || (request.Source is { } from && IsIn(_sourcePorts, from.Port)))
        && (_domain is null || (!name.IsEmpty && _domain.Matches(name)))
        && (_address is null || _address.MatchesAny(addresses));

    private static bool IsIn(PortRange[] ranges, int port)
    {
        foreach (PortRange range in ranges)
        {
            if (range.Contains(port))
            {
                return true;
            }
        }

        return false;
    }
}
