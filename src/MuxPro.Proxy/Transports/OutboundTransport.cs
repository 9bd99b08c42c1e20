using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>The way to one server: a socket or another outbound, then TLS, WebSocket, both or neither.</summary>
internal sealed class OutboundTransport
{
    private static readonly string[] MainProtocols = ["muxpro"];
    private static readonly string[] OtherProtocols = ["http/1.1"];

    private readonly StreamConfiguration _settings;
    private readonly string _address;
    private readonly int _port;
    private readonly IReadOnlyList<Pin> _pins;
    private readonly bool _isForMany;
    private readonly OutboundContext _context;
    private readonly DirectDispatcher _direct;
    private readonly Func<Destination, byte, CancellationToken, ValueTask<Link>>? _through;
    private readonly ILogger _logger;
    private readonly Tls? _tls;

    // 1 while the last attempt failed: the first failure of a row is a warning, the rest is noise.
    private int _isDown;

    /// <param name="outbound">The outbound that it is for.</param>
    /// <param name="server">Where the server is.</param>
    /// <param name="carries">The protocol of the main connections that it is for; <see langword="null"/> where it is for no main
    /// connections.</param>
    /// <param name="through">Another outbound that it goes through, if it does.</param>
    /// <param name="context">What outbounds have in common.</param>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public OutboundTransport(
        OutboundConfiguration outbound, ServerConfiguration server, MuxProtocolName? carries,
        Func<Destination, byte, CancellationToken, ValueTask<Link>>? through, OutboundContext context)
    {
        _settings = outbound.StreamSettings;
        _address = server.Address;
        _port = server.Port ?? 0;
        _pins = server is MuxServerConfiguration { Pins: { Count: > 0 } pins } ? pins : _settings.TlsSettings.Pins;
        _isForMany = carries is not null;
        _context = context;
        _through = through;
        _logger = context.LoggerFactory.CreateLogger("MuxPro.Proxy.Outbound");
        Name = _settings.Network == TransportNetwork.Unix ? _address : Destination.Tcp(_address, _port).ToString();
        bool isMux = carries == MuxProtocolName.MuxPro && _settings.Network != TransportNetwork.Ws;
        _tls = _settings.Security == TransportSecurity.None ? null
            : new Tls(_settings.TlsSettings, isMux ? MainProtocols : OtherProtocols, isMux, context.Keys, context.TimeProvider, _logger);
        _direct = new DirectDispatcher(new DirectOptions
        {
            ConnectTimeout = context.ConnectTimeout,
            Connect = (target, cancellationToken) => OpenAsync(target, outbound.SendThrough, cancellationToken),
            TimeProvider = context.TimeProvider,
        });
    }

    /// <summary>The server, as messages name it.</summary>
    public string Name { get; }

    /// <summary>
    /// Connects for a main connection. Whether that works, its negotiation shows: <see cref="OnUp"/>, <see cref="OnNotNegotiated"/>.
    /// </summary>
    /// <exception cref="IOException">There is no connection; the message names the server and says why.</exception>
    public async ValueTask<Link> DialMainAsync(CancellationToken cancellationToken)
    {
        Link link = await TryDialAsync(Session.DefaultPriority, cancellationToken);
        _logger.Connected(Name);
        return link;
    }

    /// <summary>Connects for one.</summary>
    /// <param name="priority">0 is served first, 255 last; where the way there has something to share.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <exception cref="IOException">There is no connection; the message names the server and says why.</exception>
    public async ValueTask<Link> DialAsync(byte priority, CancellationToken cancellationToken)
    {
        Link link = await TryDialAsync(priority, cancellationToken);
        if (Interlocked.Exchange(ref _isDown, 0) != 0)
        {
            _logger.Connected(Name);
        }

        return link;
    }

    /// <summary>A main connection works: the next failure is news again.</summary>
    public void OnUp() => Volatile.Write(ref _isDown, 0);

    /// <summary>The connection was made, and ended before it was a main connection: that is how a server refuses a key.</summary>
    public void OnNotNegotiated(MainConnectionException exception)
    {
        string hint = _tls is null ? "does the other end speak TLS? Then \"security\": \"none\" (--plaintext) is wrong here"
            : _tls.Pin is { } pin ? $"is this client's key authorized there? It is {pin}"
            : "does it ask for a key ('certificates' of 'tlsSettings')? This client has no --key";
        string what = exception.Reason == MainConnectionEnd.NegotiationFailed
            ? exception.Message.TrimEnd('.') : "it closed the connection before it negotiated";
        _ = Failed($"{what}: {hint}.", exception);
    }

    private async ValueTask<Link> TryDialAsync(byte priority, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_context.ConnectTimeout, _context.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await ConnectAsync(priority, either.Token);
        }
        catch (SessionException exception) when (exception.ErrorCode == ErrorCode.ResourceExhaustion && _through is null)
        {
            // This end's limit, not the server's outage.
            throw;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"it did not answer within {_context.ConnectTimeout.TotalSeconds} s.", null);
        }
        catch (Exception exception) when (
            exception is SocketException or AuthenticationException or IOException or WebSocketException or HttpRequestException)
        {
            throw Failed(Explain(exception), exception);
        }
    }

    private async ValueTask<Link> ConnectAsync(byte priority, CancellationToken cancellationToken)
    {
        Link link = await ReachAsync(priority, cancellationToken);
        try
        {
            if (_settings.Network == TransportNetwork.Ws)
            {
                return await UpgradeAsync(_tls is null ? link.AsStream() : await StartTlsAsync(link.AsStream(), cancellationToken),
                    cancellationToken);
            }

            if (_tls is null)
            {
                return link;
            }

            // TLS right on a socket is what the engine reads and writes fastest.
            Pin? seen = null;
            link = link.AsStream() is NetworkStream { Socket: var socket }
                ? await CheckedAsync(
                    () => Link.ConnectTlsAsync(socket, _tls.ForClient(_address, _pins, pin => seen = pin), cancellationToken), () => seen)
                : Link.FromStream(await StartTlsAsync(link.AsStream(), cancellationToken));
            _tls.CheckProtocol((SslStream)link.AsStream());
            return link;
        }
        catch
        {
            link.Abort();
            throw;
        }
    }

    private async ValueTask<Link> ReachAsync(byte priority, CancellationToken cancellationToken)
    {
        if (_settings.Network == TransportNetwork.Unix)
        {
            return Link.FromSocket(await OpenAsync(new UnixDomainSocketEndPoint(_address), null, cancellationToken));
        }

        var server = Destination.Tcp(_address, _port);
        return _through is null ? await _direct.DispatchAsync(server, cancellationToken)
            : await _through(server, priority, cancellationToken);
    }

    /// <summary>
    /// A main connection is for many, who are here already. Others have one for each, as direct connections do, and share their limit.
    /// </summary>
    private Task<Socket> OpenAsync(EndPoint server, IPAddress? local, CancellationToken cancellationToken) => _isForMany
        ? CountedSocket.ConnectToServerAsync(server, _context.Sockets, local, _settings.Sockopt, cancellationToken)
        : CountedSocket.ConnectAsync(server, _context.Sockets, local, _settings.Sockopt, cancellationToken);

    private ValueTask<SslStream> StartTlsAsync(Stream stream, CancellationToken cancellationToken)
    {
        Pin? seen = null;
        return CheckedAsync(
            async () =>
            {
                var tls = new SslStream(stream);
                try
                {
                    await tls.AuthenticateAsClientAsync(_tls!.ForClient(_address, _pins, pin => seen = pin), cancellationToken);
                    return tls;
                }
                catch
                {
                    await tls.DisposeAsync();
                    throw;
                }
            },
            () => seen);
    }

    /// <summary>Says which key a server has that is not the expected one.</summary>
    private async ValueTask<T> CheckedAsync<T>(Func<ValueTask<T>> authenticate, Func<Pin?> seen)
    {
        try
        {
            return await authenticate();
        }
        catch (AuthenticationException exception) when (seen() is { } pin && !_pins.Contains(pin))
        {
            throw new AuthenticationException(
                _pins.Count > 0
                    ? $"its key is {pin}, none of 'pins' (--pin)."
                    : $"its key is {pin}, and no authority vouches for it by the name '{_settings.TlsSettings.ServerName ?? _address}'; "
                        + "'pins' of tlsSettings can name the key.",
                exception);
        }
    }

    /// <summary>The HTTP client asks for the WebSocket on the stream that is there already.</summary>
    private async ValueTask<Link> UpgradeAsync(Stream stream, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        try
        {
            string host = _settings.WsSettings.Host ?? _settings.TlsSettings.ServerName ?? _address;
            socket.Options.SetRequestHeader("Host", host);
            foreach ((string name, string value) in _settings.WsSettings.Headers)
            {
                socket.Options.SetRequestHeader(name, value);
            }

            // TLS is below already, and the name is of no use any more.
            using var client = new HttpMessageInvoker(new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                ConnectCallback = (_, _) => ValueTask.FromResult(stream),
            });
            await socket.ConnectAsync(new Uri($"ws://server{_settings.WsSettings.Path}"), client, cancellationToken);
            return Link.FromWebSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private string Explain(Exception exception)
    {
        if (_tls is null || exception is MuxException
            || (exception as SocketException ?? exception.InnerException as SocketException) is { } socket
            && socket.SocketErrorCode != SocketError.ConnectionReset)
        {
            return exception.Message;
        }

        return exception.Message.StartsWith("its key is", StringComparison.Ordinal)
            ? exception.Message : TlsFailure.Explain(exception, isServer: false) + ".";
    }

    private IOException Failed(string reason, Exception? inner)
    {
        if (Interlocked.Exchange(ref _isDown, 1) == 0)
        {
            _logger.ConnectFailed(Name, reason);
        }
        else
        {
            _logger.ConnectFailedAgain(Name, reason);
        }

        return new IOException($"No connection to {Name}: {reason}", inner);
    }
}
