using MuxPro.Proxy.Configuration;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Through another proxy, or the first of several that can be reached.</summary>
internal sealed class ProxyOutbound : Outbound
{
    private readonly bool _isHttp;
    private readonly OutboundContext _context;
    private readonly (OutboundTransport Transport, AccountConfiguration? Account)[] _servers;

    public ProxyOutbound(OutboundConfiguration configuration, OutboundContext context, Func<Outbound>? through)
        : base(configuration.Tag, context.TimeProvider)
    {
        _context = context;
        _isHttp = configuration.Settings is HttpOutboundSettings;
        IReadOnlyList<ProxyServerConfiguration> servers = configuration.Settings switch
        {
            SocksOutboundSettings socks => socks.Servers,
            HttpOutboundSettings http => http.Servers,
            _ => throw new ArgumentException("It is no proxy.", nameof(configuration)),
        };
        _servers =
        [
            .. servers.Select(server => (
                context.CreateTransport(configuration, server, speaksMuxPro: false, through),
                server.Users is [var account, ..] ? account : null)),
        ];
    }

    public override ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => TryAllAsync(
            async (transport, account, either) =>
            {
                Link link = await transport.DialAsync(cancellationToken);
                return _isHttp
                    ? await HttpConnectClient.ConnectAsync(link, transport.Name, destination, account, either)
                    : await SocksClient.ConnectAsync(link, transport.Name, destination, account, either);
            },
            cancellationToken);

    public override ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
        => _isHttp
            ? throw new SessionException(ErrorCode.ProxyRejected, $"{first}: outbound '{Tag}' is an HTTP proxy, which carries no UDP without 'mux'.")
            : TryAllAsync(
                async (transport, account, either) => await SocksClient.AssociateAsync(
                    await transport.DialAsync(cancellationToken), transport.Name, first, account, _context.Sockets, either),
                cancellationToken);

    private async ValueTask<T> TryAllAsync<T>(
        Func<OutboundTransport, AccountConfiguration?, CancellationToken, ValueTask<T>> reach, CancellationToken cancellationToken)
    {
        for (int i = 0; ; i++)
        {
            (OutboundTransport transport, AccountConfiguration? account) = _servers[i];
            try
            {
                return await InTimeAsync(transport, either => reach(transport, account, either), cancellationToken);
            }
            catch (IOException exception) when (exception is not SessionException && i < _servers.Length - 1 && !cancellationToken.IsCancellationRequested)
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
