using System.Net.Sockets;
using MuxPro.Proxy.Configuration;
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
        _redirect = settings.Redirect is null ? null : Redirect.Parse(settings.Redirect);
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
            _transport = target => context.CreateTransport(
                configuration, new ServerConfiguration { Address = target.Host, Port = target.Port }, speaksMuxPro: configuration.Mux is { Enabled: true, Protocol: MuxProtocolName.MuxPro }, through);
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

    public override async ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        Destination target = _redirect?.Apply(first) ?? first;
        DatagramLink flow = _through is null
            ? await _targets.DispatchDatagramsAsync(target, cancellationToken)
            : await _through().OpenFlowAsync(target, options, cancellationToken);
        return _redirect is null ? flow : new RedirectedDatagramLink(flow, first);
    }
}

/// <summary>Where everything goes instead.</summary>
/// <param name="Host">The host, or <see langword="null"/> to keep the target's.</param>
/// <param name="Port">The port, or 0 to keep the target's.</param>
internal sealed record Redirect(string? Host, int Port)
{
    /// <exception cref="FormatException">The text is none.</exception>
    public static Redirect Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out int port) || port > ushort.MaxValue || text is ":0")
        {
            throw new FormatException("'host:port', ':port' to keep the host, or 'host:0' to keep the port");
        }

        string host = text[..colon].Trim('[', ']');
        return host.Length == 0 || Destination.TryCreate(Network.Tcp, host, Math.Max(port, 1), out _)
            ? new Redirect(host.Length == 0 ? null : host, port)
            : throw new FormatException("a host is an address or a domain: 'host:port'");
    }

    public Destination Apply(Destination target)
    {
        int port = Port == 0 ? target.Port : Port;
        string host = Host ?? target.Host;
        return target.Network == Network.Tcp ? Destination.Tcp(host, port) : Destination.Udp(host, port);
    }
}

/// <summary>A flow that goes to another target than the application knows of: its answers come from the one it knows, and nobody else's come at all.</summary>
internal sealed class RedirectedDatagramLink(DatagramLink inner, Destination destination) : DatagramLink
{
    private readonly OneSource _target = new(inner.Destination);

    public override Destination Destination => destination;

    public override bool IsFullCone => false;

    public override long Dropped => inner.Dropped;

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (await inner.ReceiveAsync(cancellationToken) is { } datagram)
        {
            if (_target.Admits(datagram.Address))
            {
                return new Datagram(datagram.Data, destination);
            }
        }

        return null;
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        => inner.SendAsync(data, null, cancellationToken);

    public override void Abort(Exception? reason = null) => inner.Abort(reason);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
