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
    // Who has no key may be a user who needs help; who speaks no TLS is mostly somebody who knocks at every port.
    private static readonly TimeSpan KeyWarningInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TlsWarningInterval = TimeSpan.FromMinutes(1);

    private readonly WarningLimit _keyWarnings = new(options.MuxOptions.TimeProvider, KeyWarningInterval);
    private readonly WarningLimit _tlsWarnings = new(options.MuxOptions.TimeProvider, TlsWarningInterval);
    private readonly ConcurrentDictionary<MuxPeer, Running> _peers = new();
    private readonly HandshakeLimit _handshakes = new(options.MaxHandshakesPerAddress);
    private readonly SslServerAuthenticationOptions? _tls =
        options.Key is null ? null : MuxTls.ForServer(options.Key, requireClientKey: options.Authorized is not null);

    private volatile bool _isDraining;

    /// <summary>How many main connections are served.</summary>
    public int MainConnections => _peers.Count;

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
            LogLevel level = _tlsWarnings.Next();
            string reason = MuxTls.Explain(exception, isServer: true);
            logger.TlsFailed(level, source, reason);
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
    }

    /// <summary>Lets every main connection finish what is open on it, and takes no new one.</summary>
    /// <param name="deadline">Closes what is still open.</param>
    /// <returns>How many sub-connections were cut by the deadline.</returns>
    public async Task<int> DrainAsync(CancellationToken deadline)
    {
        _isDraining = true;
        int[] cut = await Task.WhenAll(_peers.Values.Select(running => running.Sessions.DrainAsync(deadline)));
        return cut.Sum();
    }

    /// <summary>Closes the main connections of those whose keys are not authorized any more.</summary>
    public void CloseRevoked()
    {
        foreach ((MuxPeer peer, (_, CancellationTokenSource closing)) in _peers)
        {
            if (peer.Pin is not null && options.Authorized is not null && !options.Authorized.TryGet(peer.Pin, out _))
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

            if (Identify(stream, source) is not { } peer)
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

    /// <summary>Who it is, or <see langword="null"/>, and said so, where nobody comes in with that key.</summary>
    private MuxPeer? Identify(SslStream stream, System.Net.EndPoint? source)
    {
        if (options.Authorized is not { } authorized)
        {
            return new MuxPeer(null, null, source);
        }

        if (stream.RemoteCertificate is not X509Certificate2 certificate)
        {
            LogLevel level = _keyWarnings.Next();
            logger.NoKeyShown(level, source, authorized.Name);
            return null;
        }

        var pin = Pin.Of(certificate);
        authorized.Refresh();
        if (authorized.TryGet(pin, out AuthorizedKey? key))
        {
            return new MuxPeer(key, pin, source);
        }

        LogLevel warning = _keyWarnings.Next();
        logger.NotAuthorized(warning, source, authorized.Name, pin);
        return null;
    }

    private async Task RunAsync(Link link, MuxPeer peer, CancellationToken stopping)
    {
        // Never disposed: CloseRevoked may cancel it at any time, also when the main connection has just ended. Without a timer it holds nothing.
        var running = new Running(new UserSessions(targets, peer, options, logger), new CancellationTokenSource());
        await using CancellationTokenRegistration registration =
            stopping.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), running.Closing);
        _peers[peer] = running;
        string reason = "closed in order.";
        try
        {
            logger.MainConnectionOpened(peer.Source, peer.Name);
            if (_isDraining)
            {
                // It came while the others were told.
                reason = "closed from here.";
                return;
            }

            await running.Sessions.RunAsync(link, running.Closing.Token);
            if (running.Closing.IsCancellationRequested)
            {
                reason = "closed from here.";
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            reason = exception.Message;
        }
        finally
        {
            _peers.TryRemove(peer, out _);
            logger.MainConnectionEnded(peer.Source, peer.Name, reason);
        }
    }

    /// <summary>A main connection that is served, and how to close it.</summary>
    private sealed record Running(UserSessions Sessions, CancellationTokenSource Closing);
}
