using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>Turns an accepted socket into a connection: TLS, WebSocket, both or neither.</summary>
internal sealed class InboundTransport
{
    private static readonly string[] MainProtocols = ["muxpro", "http/1.1"];
    private static readonly string[] OtherProtocols = ["http/1.1"];

    // Who speaks no TLS is mostly somebody who knocks at every port.
    private static readonly TimeSpan WarningInterval = TimeSpan.FromMinutes(1);

    private readonly StreamConfiguration _settings;
    private readonly bool _asksForKey;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WarningLimit _warnings;
    private readonly Tls? _tls;

    /// <param name="settings">What the configuration says.</param>
    /// <param name="isForMainConnections">Whether <c>muxpro</c> is spoken inside of TLS.</param>
    /// <param name="asksForKey">Whether clients show their keys.</param>
    /// <param name="timeout">How long the handshakes may take.</param>
    /// <param name="keys">Has the certificates that the settings name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets who did not get through.</param>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public InboundTransport(
        StreamConfiguration settings, bool isForMainConnections, bool asksForKey, TimeSpan timeout, KeyStore keys, TimeProvider time,
        ILogger logger)
    {
        _settings = settings;
        _asksForKey = asksForKey;
        _timeout = timeout;
        _time = time;
        _logger = logger;
        _warnings = new WarningLimit(time, WarningInterval);
        bool isMux = isForMainConnections && settings.Network != TransportNetwork.Ws;
        _tls = settings.Security == TransportSecurity.None ? null
            : new Tls(settings.TlsSettings, isMux ? MainProtocols : OtherProtocols, isMux, keys, time, logger);
    }

    /// <summary>The key that clients see; <see langword="null"/> without TLS.</summary>
    public Pin? Pin => _tls?.Pin;

    /// <summary>Makes the connection, or closes the socket and says why.</summary>
    /// <returns>The connection, or <see langword="null"/>.</returns>
    public async ValueTask<InboundTransportConnection?> AcceptAsync(Socket socket, CancellationToken stopping)
    {
        EndPoint? source = Addresses.RemoteOf(socket);
        try
        {
            SocketSettings.Apply(_settings.Sockopt, socket);
            if (_tls is null && _settings.Network != TransportNetwork.Ws)
            {
                return new InboundTransportConnection(Link.FromSocket(socket), socket, source, null);
            }

            using var timeout = new CancellationTokenSource(_timeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
            return await ShakeHandsAsync(socket, source, either.Token);
        }
        catch (HandshakeException exception)
        {
            _logger.Refused(LogLevel.Information, source, exception.Message);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            _logger.HandshakeTimedOut(source, _timeout.TotalSeconds);
        }
        catch (OperationCanceledException)
        {
            // The program stops.
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or SocketException or ObjectDisposedException)
        {
            LogLevel level = _warnings.Next();
            string reason = TlsFailure.Explain(exception, isServer: true);
            _logger.TlsFailed(level, source, reason);
        }

        socket.Dispose();
        return null;
    }

    private async ValueTask<InboundTransportConnection> ShakeHandsAsync(
        Socket socket, EndPoint? source, CancellationToken cancellationToken)
    {
        Link link = _tls is null
            ? Link.FromSocket(socket)
            : await Link.AcceptTlsAsync(socket, hello => _tls.ForServer(hello.ServerName, _asksForKey), cancellationToken);
        var tls = link.AsStream() as SslStream;
        if (tls is not null)
        {
            _tls!.CheckProtocol(tls);
        }

        if (_settings.Network == TransportNetwork.Ws)
        {
            link = Link.FromWebSocket(await WebSocketUpgrade.AcceptAsync(link, _settings.WsSettings, _time, cancellationToken), source);
        }

        return new InboundTransportConnection(link, socket, source, tls?.RemoteCertificate as X509Certificate2);
    }
}

/// <summary>A connection that came in.</summary>
/// <param name="Link">Its bytes.</param>
/// <param name="Socket">What it goes over; the link's.</param>
/// <param name="Source">The other end's address.</param>
/// <param name="PeerCertificate">What the other end showed of itself.</param>
internal sealed record InboundTransportConnection(Link Link, Socket Socket, EndPoint? Source, X509Certificate2? PeerCertificate);
