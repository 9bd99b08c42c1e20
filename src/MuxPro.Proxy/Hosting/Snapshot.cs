using MuxPro.Proxy.Configuration;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Hosting;

/// <summary>What one configuration decides: which outbounds there are, and who takes which. Immutable; replaced as a whole.</summary>
internal sealed class Snapshot
{
    private readonly Dictionary<string, (OutboundConfiguration Configuration, Outbound Outbound)> _outbounds;
    private readonly Dictionary<string, Balancer<Outbound>> _balancers;
    private readonly Outbound[] _default;

    private Snapshot(
        DaemonConfiguration configuration, Router router, Dictionary<string, (OutboundConfiguration, Outbound)> outbounds,
        Dictionary<string, Balancer<Outbound>> balancers, Outbound first)
    {
        Configuration = configuration;
        Router = router;
        _outbounds = outbounds;
        _balancers = balancers;
        _default = [first];
    }

    public DaemonConfiguration Configuration { get; }

    public Router Router { get; }

    public IEnumerable<Outbound> Outbounds => _outbounds.Values.Select(static outbound => outbound.Outbound);

    /// <summary>Makes a snapshot; outbounds that did not change are those of the one before, with the main connections that they have.</summary>
    public static Snapshot Create(DaemonConfiguration configuration, OutboundContext context, Snapshot? before)
    {
        var outbounds = new Dictionary<string, (OutboundConfiguration Configuration, Outbound Outbound)>(StringComparer.Ordinal);
        for (int i = 0; i < configuration.Outbounds.Count; i++)
        {
            OutboundConfiguration outbound = configuration.Outbounds[i];
            string tag = outbound.Tag.Length > 0 ? outbound.Tag : $"outbounds[{i}]";
            outbound = outbound with { Tag = tag };
            outbounds[tag] = before?.Unchanged(outbound, configuration) is { } kept
                ? (outbound, kept) : (outbound, OutboundFactory.Create(outbound, context, other => outbounds[other].Outbound));
        }

        var balancers = configuration.Routing.Balancers.ToDictionary(
            static balancer => balancer.Tag,
            balancer => new Balancer<Outbound>(balancer, [.. outbounds.Values.Select(static outbound => outbound.Outbound)]),
            StringComparer.Ordinal);
        var router = new Router(configuration.Routing, context.TimeProvider, context.LoggerFactory.CreateLogger("MuxPro.Proxy.Routing"));
        return new Snapshot(configuration, router, outbounds, balancers, outbounds.Values.First().Outbound);
    }

    /// <summary>The outbounds to try for a route, in order.</summary>
    public IReadOnlyList<Outbound> OutboundsFor(in Route route)
    {
        if (route.BalancerTag is { } balancer)
        {
            return _balancers[balancer].Order();
        }

        return route.OutboundTag is { } tag ? [_outbounds[tag].Outbound] : _default;
    }

    private Outbound? Unchanged(OutboundConfiguration outbound, DaemonConfiguration configuration)
    {
        if (!_outbounds.TryGetValue(outbound.Tag, out (OutboundConfiguration Configuration, Outbound Outbound) old)
            || !SameConfiguration.Is(old.Configuration, outbound)
            || !SameConfiguration.Is(Configuration.Limits, configuration.Limits))
        {
            return null;
        }

        // What it goes through must be the same too.
        return outbound.ProxySettings is not { Tag: var through }
            || (configuration.Outbounds.FirstOrDefault(other => other.Tag == through) is { } next && Unchanged(next, configuration) is not null)
            ? old.Outbound
            : null;
    }
}
