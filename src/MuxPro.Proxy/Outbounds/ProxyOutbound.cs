using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Through another proxy, or the first of several that can be reached.</summary>
internal sealed class ProxyOutbound : Outbound
{
    private readonly bool _isHttp;
    private readonly OutboundContext _context;
    private readonly (OutboundTransport Transport, ProxyServerConfiguration Server)[] _servers;
    private readonly Func<Outbound>? _through;
    private readonly DirectDispatcher _datagrams;

    public ProxyOutbound(OutboundConfiguration configuration, OutboundContext context, Func<Outbound>? through)
        : base(configuration.Tag, context.TimeProvider)
    {
        _context = context;
        _through = through;
        _isHttp = configuration.Settings is HttpOutboundSettings;
        IReadOnlyList<ProxyServerConfiguration> servers = configuration.Settings switch
        {
            SocksOutboundSettings socks => socks.Servers,
            HttpOutboundSettings http => http.Servers,
            _ => throw new ArgumentException("It is no proxy.", nameof(configuration)),
        };
        _servers =
        [
            .. servers.Select(server => (OutboundFactory.CreateTransport(configuration, server, carries: null, through, context), server)),
        ];

        // Who names the proxy wants it where it is.
        _datagrams = new DirectDispatcher(context.DirectOptionsOf(configuration) with { AllowPrivate = true });
    }

    public override ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => TryAllAsync(
            async (transport, server, either) =>
            {
                Link link = await transport.DialAsync(priority, cancellationToken);
                return _isHttp
                    ? await HttpConnectClient.ConnectAsync(link, transport.Name, destination, AccountOf(server), either)
                    : await SocksClient.ConnectAsync(link, transport.Name, destination, AccountOf(server), either);
            },
            cancellationToken);

    public override ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
        => _isHttp
            ? throw new SessionException(
                ErrorCode.ProxyRejected, $"{first}: outbound '{Tag}' is an HTTP proxy, which carries no UDP without 'mux'.")
            : TryAllAsync(
                async (transport, server, either) =>
                {
                    Link link = await transport.DialAsync(options.Priority, cancellationToken);
                    string host = _through is null && link.RemoteEndPoint is IPEndPoint { Address: var address }
                        ? Addresses.Plain(address).ToString()
                        : server.Address;
                    return await SocksClient.AssociateAsync(
                        link, transport.Name, host, first, AccountOf(server),
                        (relay, cancellationToken) => _through is null
                            ? _datagrams.DispatchDatagramsAsync(relay, cancellationToken)
                            : _through().OpenFlowAsync(relay, options with { GlobalId = 0 }, cancellationToken),
                        either);
                },
                cancellationToken);

    private static AccountConfiguration? AccountOf(ProxyServerConfiguration server) => server.Users is [var account, ..] ? account : null;

    private async ValueTask<T> TryAllAsync<T>(
        Func<OutboundTransport, ProxyServerConfiguration, CancellationToken, ValueTask<T>> reach, CancellationToken cancellationToken)
    {
        for (int i = 0; ; i++)
        {
            (OutboundTransport transport, ProxyServerConfiguration server) = _servers[i];
            try
            {
                return await InTimeAsync(transport, either => reach(transport, server, either), cancellationToken);
            }
            catch (IOException exception)
                when (exception is not SessionException && i < _servers.Length - 1 && !cancellationToken.IsCancellationRequested)
            {
                // The proxy, not the target: the next one may do.
            }
        }
    }

    /// <summary>A proxy gets the time of a connection once to be reached, and once more to reach its target.</summary>
    private async ValueTask<T> InTimeAsync<T>(
        OutboundTransport transport, Func<CancellationToken, ValueTask<T>> reach, CancellationToken cancellationToken)
    {
        TimeSpan limit = 2 * _context.ConnectTimeout;
        using var timeout = new CancellationTokenSource(limit, _context.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await reach(either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"The proxy {transport.Name} did not answer within {limit.TotalSeconds} s.", exception);
        }
    }
}
