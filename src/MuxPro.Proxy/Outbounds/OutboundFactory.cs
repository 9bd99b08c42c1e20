using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Makes outbounds as a configuration says.</summary>
internal static class OutboundFactory
{
    /// <param name="configuration">The outbound.</param>
    /// <param name="context">What outbounds have in common.</param>
    /// <param name="find">Finds another outbound by its tag, once all are made.</param>
    public static Outbound Create(OutboundConfiguration configuration, OutboundContext context, Func<string, Outbound> find)
    {
        Func<Outbound>? through = configuration.ProxySettings is { Tag: var tag } ? () => find(tag) : null;
        Outbound outbound = configuration.Settings switch
        {
            BlockOutboundSettings block => new BlockOutbound(configuration.Tag, block, context.TimeProvider),
            MuxOutboundSettings mux => MuxOutbound.OverServers(configuration, mux.Servers, context, through),
            SocksOutboundSettings or HttpOutboundSettings => new ProxyOutbound(configuration, context, through),
            DirectOutboundSettings => new DirectOutbound(configuration, context, through),
            _ => throw new ArgumentException("There is no such outbound.", nameof(configuration)),
        };
        return configuration.Mux.Enabled == true && outbound is (DirectOutbound or ProxyOutbound)
            ? MuxOutbound.OnTopOf(outbound, configuration.Mux, context) : outbound;
    }

    /// <summary>Makes an outbound's way to a server.</summary>
    /// <inheritdoc cref="OutboundTransport(OutboundConfiguration, ServerConfiguration, MuxProtocolName?,
    /// Func{Destination, byte, CancellationToken, ValueTask{Link}}?, OutboundContext)"/>
    public static OutboundTransport CreateTransport(
        OutboundConfiguration outbound, ServerConfiguration server, MuxProtocolName? carries, Func<Outbound>? through,
            OutboundContext context) => new(
            outbound, server, carries,
            through is null ? null : (target, priority, cancellationToken) => through().DispatchAsync(target, priority, cancellationToken),
                context);
}
