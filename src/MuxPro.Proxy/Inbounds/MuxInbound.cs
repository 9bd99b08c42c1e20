using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Main connections: TLS, then who it is, then the engine.</summary>
internal sealed class MuxInbound(IDispatcher targets, MuxInboundOptions options, ILogger logger)
{
    private readonly ConcurrentDictionary<Peer, CancellationTokenSource> _peers = new();
    private readonly HandshakeLimit _handshakes = new(options.MaxHandshakesPerAddress);
    private readonly SslServerAuthenticationOptions? _tls =
        options.Key is null ? null : MuxTls.ForServer(options.Key, requireClientKey: options.Authorized is not null);

    public async Task ServeAsync(Socket socket, CancellationToken stopping)
    {
        socket.NoDelay = true;
        var source = socket.RemoteEndPoint;
        try
        {
            (Link Link, Peer Peer)? accepted = await AcceptWithinLimitAsync(socket, stopping);
            if (accepted is var (link, peer))
            {
                await using (link)
                {
                    await RunAsync(link, peer, stopping);
                }
            }
        }
        catch (TimeoutException)
        {
            logger.HandshakeTimedOut(source, options.MuxOptions.HandshakeTimeout.TotalSeconds);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or SocketException or ObjectDisposedException)
        {
            logger.TlsFailed(source, exception.Message);
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
    }

    /// <summary>Closes the main connections of those whose keys are not authorized any more.</summary>
    public void CloseRevoked()
    {
        foreach ((Peer peer, CancellationTokenSource closing) in _peers)
        {
            if (peer.Pin is not null && options.Authorized is not null && !options.Authorized.TryGetName(peer.Pin, out _))
            {
                // It may take longer to go than until the next look.
                if (!closing.IsCancellationRequested)
                {
                    logger.Revoked(peer.Name, peer.Source);
                    closing.Cancel();
                }
            }
        }
    }

    private async Task<(Link Link, Peer Peer)?> AcceptWithinLimitAsync(Socket socket, CancellationToken stopping)
    {
        if (socket.RemoteEndPoint is not System.Net.IPEndPoint { Address: var address })
        {
            return await AcceptAsync(socket, stopping);
        }

        if (!_handshakes.TryEnter(address))
        {
            logger.TooManyHandshakes(address, options.MaxHandshakesPerAddress);
            return null;
        }

        try
        {
            return await AcceptAsync(socket, stopping);
        }
        finally
        {
            _handshakes.Leave(address);
        }
    }

    /// <summary>The one place that decides what the engine reads and writes: the socket itself, or TLS right on top of it.</summary>
    private async Task<(Link Link, Peer Peer)?> AcceptAsync(Socket socket, CancellationToken stopping)
    {
        if (_tls is null)
        {
            return (Link.FromSocket(socket), new Peer("-", null, socket.RemoteEndPoint));
        }

        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        bool isAccepted = false;
        try
        {
            await AuthenticateAsync(stream, _tls, stopping);
            (Peer? peer, string? refusal) = Identify(stream, socket);
            if (peer is null)
            {
                logger.NotAuthorized(socket.RemoteEndPoint, refusal!);
                return null;
            }

            isAccepted = true;
            return (Link.FromStream(stream, socket), peer);
        }
        finally
        {
            if (!isAccepted)
            {
                await stream.DisposeAsync();
            }
        }
    }

    private async Task AuthenticateAsync(SslStream stream, SslServerAuthenticationOptions tls, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(options.MuxOptions.HandshakeTimeout, options.MuxOptions.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            await stream.AuthenticateAsServerAsync(tls, either.Token);
        }
        catch (OperationCanceledException exception) when (!stopping.IsCancellationRequested)
        {
            throw new TimeoutException("The TLS handshake took too long.", exception);
        }

        if (stream.NegotiatedApplicationProtocol != MuxTls.Protocol)
        {
            throw new AuthenticationException("the client does not ask for Mux.Pro (ALPN).");
        }
    }

    private (Peer? Peer, string? Refusal) Identify(SslStream stream, Socket socket)
    {
        if (options.Authorized is not { } authorized)
        {
            return (new Peer("-", null, socket.RemoteEndPoint), null);
        }

        if (stream.RemoteCertificate is not X509Certificate2 certificate)
        {
            return (null, "(none)");
        }

        var pin = Pin.Of(certificate);
        authorized.Refresh();
        return authorized.TryGetName(pin, out string? name) ? (new Peer(name, pin, socket.RemoteEndPoint), null) : (null, pin.ToString());
    }

    private async Task RunAsync(Link link, Peer peer, CancellationToken stopping)
    {
        // Never disposed: CloseRevoked may cancel it at any time, also when the main connection has just ended. Without a timer it holds nothing.
        var closing = new CancellationTokenSource();
        await using CancellationTokenRegistration registration =
            stopping.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), closing);
        _peers[peer] = closing;
        string reason = "closed in order.";
        try
        {
            logger.MainConnectionOpened(peer.Source, peer.Name);
            var server = new Server(new UserDispatcher(targets, peer.Name, logger), options.MuxOptions);
            await server.RunAsync(link, closing.Token);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            reason = exception.Message;
        }
        finally
        {
            _peers.TryRemove(peer, out _);
            logger.MainConnectionEnded(peer.Source, peer.Name, reason);
        }
    }

    /// <summary>One main connection's other end.</summary>
    private sealed class Peer(string name, Pin? pin, System.Net.EndPoint? source)
    {
        public string Name { get; } = name;

        public Pin? Pin { get; } = pin;

        public System.Net.EndPoint? Source { get; } = source;
    }
}

/// <summary>Settings of the port for main connections.</summary>
internal sealed record MuxInboundOptions
{
    /// <summary>The server's key, or <see langword="null"/> for no TLS.</summary>
    public KeyFile? Key { get; init; }

    /// <summary>Who may come, or <see langword="null"/> for everybody.</summary>
    public AuthorizedKeys? Authorized { get; init; }

    /// <summary>Most connections of one address in their TLS handshake.</summary>
    public int MaxHandshakesPerAddress { get; init; } = int.MaxValue;

    public MuxOptions MuxOptions { get; init; } = new();
}
