using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Straight to the target, or to the one that everything is redirected to.</summary>
internal sealed class DirectOutbound : Outbound
{
    private readonly Redirect? _redirect;
    private readonly DirectDispatcher _targets;
    private readonly Func<Destination, OutboundTransport>? _transport;
    private readonly Func<Outbound>? _through;

    /// <param name="configuration">What the configuration says of it.</param>
    /// <param name="context">What outbounds have in common.</param>
    /// <param name="through">The outbound that this one goes through, if it does.</param>
    public DirectOutbound(OutboundConfiguration configuration, OutboundContext context, Func<Outbound>? through)
        : base(configuration.Tag, context.TimeProvider)
    {
        var settings = (DirectOutboundSettings)configuration.Settings;
        _redirect = settings.Redirect;
        _through = through;
        _targets = new DirectDispatcher(context.DirectOptionsOf(configuration) with
        {
            // Who names the host wants just that one.
            AllowPrivate = settings.AllowPrivate || _redirect?.Host is not null,
            AddressFamily = settings.DomainStrategy switch
            {
                DomainStrategy.UseIPv4 => AddressFamily.InterNetwork,
                DomainStrategy.UseIPv6 => AddressFamily.InterNetworkV6,
                _ => null,
            },
        });
        if (configuration.StreamSettings is not { Network: TransportNetwork.Tcp, Security: TransportSecurity.None })
        {
            MuxProtocolName? carries = configuration.Mux.Enabled == true ? configuration.Mux.Protocol : null;
            _transport = target => OutboundFactory.CreateTransport(
                configuration, new ServerConfiguration { Address = target.Host, Port = target.Port }, carries, through, context);
        }
    }

    public override async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        destination = _redirect?.Apply(destination) ?? destination;
        if (_transport is not null)
        {
            return await _transport(destination).DialAsync(priority, cancellationToken);
        }

        return _through is null
            ? await _targets.DispatchAsync(destination, cancellationToken)
            : await _through().DispatchAsync(destination, priority, cancellationToken);
    }

    public override async ValueTask<DatagramLink> OpenFlowAsync(
        Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        Destination target = _redirect?.Apply(first) ?? first;
        DatagramLink flow = _through is null
            ? await _targets.DispatchDatagramsAsync(target, cancellationToken)
            : await _through().OpenFlowAsync(target, options, cancellationToken);
        return _redirect is null ? flow : new RedirectedDatagramLink(flow, first);
    }
}
