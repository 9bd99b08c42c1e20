using MuxPro.Proxy.Configuration;
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
            MuxOutboundSettings mux => OverServers(configuration, mux, context, through),
            SocksOutboundSettings or HttpOutboundSettings => new ProxyOutbound(configuration, context, through),
            DirectOutboundSettings => new DirectOutbound(configuration, context, through),
            _ => throw new ArgumentException("There is no such outbound.", nameof(configuration)),
        };
        return configuration.Mux.Enabled == true && outbound is (DirectOutbound or ProxyOutbound)
            ? MuxOutbound.OnTopOf(outbound, configuration.Mux, context) : outbound;
    }

    private static MuxOutbound OverServers(
        OutboundConfiguration configuration, MuxOutboundSettings settings, OutboundContext context, Func<Outbound>? through)
        => new(
            configuration.Tag,
            configuration.Mux,
            [
                .. settings.Servers.Select(server =>
                {
                    OutboundTransport transport = context.CreateTransport(configuration, server, speaksMuxPro: configuration.Mux.Protocol == MuxProtocolName.MuxPro, through);
                    return (transport.Name, (Func<CancellationToken, ValueTask<Link>>)transport.DialAsync);
                }),
            ],
            below: null,
            context);
}
