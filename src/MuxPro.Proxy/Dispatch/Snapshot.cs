using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Routing;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Dispatch;

/// <summary>What one configuration decides: which outbounds there are, and who takes which. Immutable; replaced as a whole.</summary>
internal sealed class Snapshot
{
    private readonly Dictionary<string, (OutboundConfiguration Configuration, Outbound Outbound)> _outbounds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Balancer<Outbound>> _balancers;
    private readonly Outbound[] _default;

    /// <param name="configuration">The configuration.</param>
    /// <param name="create">Makes an outbound, whose tag is said; the other one finds outbounds by their tags, once all are made.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Gets what goes wrong with rules.</param>
    public Snapshot(
        DaemonConfiguration configuration, Func<OutboundConfiguration, Func<string, Outbound>, Outbound> create, TimeProvider time,
            ILoggerFactory loggers)
    {
        Configuration = configuration;
        Router = new Router(configuration.Routing, time, loggers.CreateLogger("MuxPro.Proxy.Routing"));
        for (int i = 0; i < configuration.Outbounds.Count; i++)
        {
            OutboundConfiguration outbound = configuration.Outbounds[i];
            outbound = outbound with { Tag = outbound.Tag.Length > 0 ? outbound.Tag : $"outbounds[{i}]" };
            _outbounds[outbound.Tag] = (outbound, create(outbound, tag => _outbounds[tag].Outbound));
        }

        _balancers = configuration.Routing.Balancers.ToDictionary(
            static balancer => balancer.Tag, balancer => new Balancer<Outbound>(balancer, [.. Outbounds]), StringComparer.Ordinal);
        _default = [Outbounds.First()];
    }

    public DaemonConfiguration Configuration { get; }

    public Router Router { get; }

    public IEnumerable<Outbound> Outbounds => _outbounds.Values.Select(static outbound => outbound.Outbound);

    /// <summary>
    /// Makes a snapshot; outbounds that did not change are those of the one before, with the main connections that they have.
    /// </summary>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public static Snapshot Create(DaemonConfiguration configuration, OutboundContext context, Snapshot? before) => new(
        configuration,
        (outbound, find) => before?.Unchanged(outbound, configuration) ?? OutboundFactory.Create(outbound, context, find),
        context.TimeProvider, context.LoggerFactory);

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
            || (configuration.Outbounds.FirstOrDefault(other => other.Tag == through) is { } next
                && Unchanged(next, configuration) is not null)
            ? old.Outbound
            : null;
    }
}
