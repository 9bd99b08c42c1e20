using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Main connections: TLS, then who it is, then the engine.</summary>
internal sealed class MuxInbound(IDispatcher targets, MuxInboundOptions options, ILogger logger)
{
    // Who speaks no TLS is mostly somebody who knocks at every port.
    private static readonly TimeSpan TlsWarningInterval = TimeSpan.FromMinutes(1);

    private readonly WarningLimit _tlsWarnings = new(options.MuxOptions.TimeProvider, TlsWarningInterval);
    private readonly HandshakeLimit _handshakes = new(options.MaxHandshakesPerAddress);
    private readonly SslServerAuthenticationOptions? _tls =
        options.Key is null ? null : MuxTls.ForServer(options.Key, requireClientKey: options.Authorized is not null);

    /// <summary>Those that are served.</summary>
    public MainConnections MainConnections { get; } = new(options, logger);

    public async Task ServeAsync(Socket socket, CancellationToken stopping)
    {
        socket.NoDelay = true;
        System.Net.EndPoint? source = Addresses.RemoteOf(socket);
        try
        {
            (Link Link, MuxPeer Peer)? accepted = await AcceptWithinLimitAsync(socket, source, stopping);
            if (accepted is var (link, peer))
            {
                await using (link)
                {
                    await MainConnections.RunAsync(link, peer, targets, stopping);
                }
            }
        }
        catch (TimeoutException)
        {
            logger.HandshakeTimedOut(source, options.MuxOptions.HandshakeTimeout.TotalSeconds);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or SocketException or ObjectDisposedException)
        {
            LogLevel level = _tlsWarnings.Next();
            string reason = MuxTls.Explain(exception, isServer: true);
            logger.TlsFailed(level, source, reason);
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
    }

    private async Task<(Link Link, MuxPeer Peer)?> AcceptWithinLimitAsync(Socket socket, System.Net.EndPoint? source, CancellationToken stopping)
    {
        if (source is not System.Net.IPEndPoint { Address: var address })
        {
            return await AcceptAsync(socket, source, stopping);
        }

        if (!_handshakes.TryEnter(address))
        {
            logger.TooManyHandshakes(address, options.MaxHandshakesPerAddress);
            return null;
        }

        try
        {
            return await AcceptAsync(socket, source, stopping);
        }
        finally
        {
            _handshakes.Leave(address);
        }
    }

    /// <summary>The one place that decides what the engine reads and writes: the socket itself, or TLS right on top of it.</summary>
    private async Task<(Link Link, MuxPeer Peer)?> AcceptAsync(Socket socket, System.Net.EndPoint? source, CancellationToken stopping)
    {
        if (_tls is null)
        {
            return (Link.FromSocket(socket), new MuxPeer(null, null, source));
        }

        Link link = await AuthenticateAsync(socket, _tls, stopping);
        bool isAccepted = false;
        try
        {
            var stream = (SslStream)link.AsStream();
            if (stream.NegotiatedApplicationProtocol != MuxTls.Protocol)
            {
                throw new AuthenticationException(MuxTls.OtherProtocol);
            }

            if (MainConnections.Identify(stream.RemoteCertificate as X509Certificate2, source) is not { } peer)
            {
                return null;
            }

            isAccepted = true;
            return (link, peer);
        }
        finally
        {
            if (!isAccepted)
            {
                await link.DisposeAsync();
            }
        }
    }

    private async Task<Link> AuthenticateAsync(Socket socket, SslServerAuthenticationOptions tls, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(options.MuxOptions.HandshakeTimeout, options.MuxOptions.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            return await Link.AcceptTlsAsync(socket, tls, either.Token);
        }
        catch (OperationCanceledException exception) when (!stopping.IsCancellationRequested)
        {
            throw new TimeoutException("The TLS handshake took too long.", exception);
        }
    }
}
