using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace MuxPro;

/// <summary>
/// A stream of bytes in each direction with two ends: what a main connection runs over, what a dispatcher returns, and what a
/// <see cref="Session"/> is. One reader and one writer at a time; reading and writing may go on side by side.
/// </summary>
/// <remarks>
/// Completing <see cref="Output"/> ends the own direction only. <see cref="Abort"/> ends both at once and drops what is unsent.
/// </remarks>
public abstract class Link : IDuplexPipe, IAsyncDisposable
{
    private int _carries;

    /// <summary>What the other end sends.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>What this end sends.</summary>
    public abstract PipeWriter Output { get; }

    /// <summary>The address of the other end, where the transport has one.</summary>
    public virtual EndPoint? RemoteEndPoint => null;

    /// <summary>The same link as a <see cref="Stream"/>. Use either the stream or the pipes, not both.</summary>
    /// <returns>The stream; disposing it disposes the link.</returns>
    public abstract Stream AsStream();

    /// <summary>Ends both directions at once; unsent data is dropped and the other end sees an error, not an end of stream.</summary>
    /// <param name="reason">Why, for the readers and writers of this end.</param>
    public abstract void Abort(Exception? reason = null);

    /// <summary>Ends the link: data that was written is sent, nothing more is read.</summary>
    /// <returns>A task that is done when the link needs nothing from the caller any more.</returns>
    public abstract ValueTask DisposeAsync();

    /// <summary>Two links in memory, each the other end of the other.</summary>
    /// <param name="bufferSize">Most bytes that wait in each direction before a writer waits; the default is 65,536.</param>
    /// <returns>The two ends.</returns>
    public static (Link First, Link Second) CreatePair(int bufferSize = 64 * 1024) => PipeLink.CreatePair(bufferSize);

    /// <summary>A link over a stream that can read and write.</summary>
    /// <param name="stream">The stream; owned by the link from now on.</param>
    /// <returns>The link.</returns>
    public static Link FromStream(Stream stream) => new StreamLink(stream, socket: null);

    /// <summary>A link over a stream whose bytes go over a socket, such as TLS, so that the socket's figures can be used.</summary>
    /// <param name="stream">The stream; owned by the link from now on.</param>
    /// <param name="socket">The socket below; not owned: the stream closes it.</param>
    /// <returns>The link.</returns>
    public static Link FromStream(Stream stream, Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return new StreamLink(stream, socket);
    }

    /// <summary>A link over a connected stream socket. Sends without delay (<see cref="Socket.NoDelay"/>).</summary>
    /// <param name="socket">The socket; owned by the link from now on.</param>
    /// <returns>The link.</returns>
    public static Link FromSocket(Socket socket) => StreamLink.FromSocket(socket);

    /// <summary>A link over two pipes.</summary>
    /// <param name="pipe">The pipes; owned by the link from now on.</param>
    /// <returns>The link.</returns>
    public static Link FromPipe(IDuplexPipe pipe) => new PipeLink(pipe);

    /// <summary>Connects by TCP.</summary>
    /// <param name="host">Domain name or IP address.</param>
    /// <param name="port">The port.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link.</returns>
    /// <exception cref="SocketException">The host was not found, or refused.</exception>
    public static async ValueTask<Link> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default)
        => FromSocket(await ConnectSocketAsync(host, port, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Connects by TCP and TLS; the server's certificate is checked against <paramref name="host"/> and the system's authorities.
    /// </summary>
    /// <param name="host">Domain name or IP address, also the name that the certificate must have.</param>
    /// <param name="port">The port.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link.</returns>
    /// <exception cref="SocketException">The host was not found, or refused.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The certificate was not accepted.</exception>
    public static ValueTask<Link> ConnectTlsAsync(string host, int port, CancellationToken cancellationToken = default)
        => ConnectTlsAsync(host, port, new SslClientAuthenticationOptions { TargetHost = host }, cancellationToken);

    /// <summary>Connects by TCP and TLS.</summary>
    /// <param name="host">Domain name or IP address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">How to check the server and to identify oneself.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link.</returns>
    /// <exception cref="SocketException">The host was not found, or refused.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The certificate was not accepted.</exception>
    public static async ValueTask<Link> ConnectTlsAsync(
        string host, int port, SslClientAuthenticationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Socket socket = await ConnectSocketAsync(host, port, cancellationToken).ConfigureAwait(false);
        return await ConnectTlsAsync(socket, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts TLS on a connected socket, as its client.</summary>
    /// <param name="socket">The socket; owned by the link from now on, and closed when TLS fails.</param>
    /// <param name="options">How to check the server and to identify oneself.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link; its stream is the <see cref="SslStream"/>.</returns>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The certificate was not accepted.</exception>
    public static ValueTask<Link> ConnectTlsAsync(
        Socket socket, SslClientAuthenticationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return StreamLink.StartTlsAsync(socket, tls => tls.AuthenticateAsClientAsync(options, cancellationToken));
    }

    /// <summary>Starts TLS on an accepted socket, as its server.</summary>
    /// <param name="socket">The socket; owned by the link from now on, and closed when TLS fails.</param>
    /// <param name="options">How to identify oneself and to check the client.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link; its stream is the <see cref="SslStream"/>.</returns>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The handshake failed.</exception>
    public static ValueTask<Link> AcceptTlsAsync(
        Socket socket, SslServerAuthenticationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return StreamLink.StartTlsAsync(socket, tls => tls.AuthenticateAsServerAsync(options, cancellationToken));
    }

    /// <summary>Starts TLS on an accepted socket, as a server that decides by what the client asks for.</summary>
    /// <param name="socket">The socket; owned by the link from now on, and closed when TLS fails.</param>
    /// <param name="options">How to identify oneself and to check the client, by its first message: the name that it asks for.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link; its stream is the <see cref="SslStream"/>.</returns>
    /// <exception cref="System.Security.Authentication.AuthenticationException">The handshake failed.</exception>
    public static ValueTask<Link> AcceptTlsAsync(
        Socket socket, Func<SslClientHelloInfo, SslServerAuthenticationOptions> options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return StreamLink.StartTlsAsync(socket, tls => tls.AuthenticateAsServerAsync(
            static (_, hello, state, _) => ValueTask.FromResult(((Func<SslClientHelloInfo, SslServerAuthenticationOptions>)state!)(hello)),
            options, cancellationToken));
    }

    /// <summary>A link over a WebSocket: what is written goes as binary messages, whose borders mean nothing.</summary>
    /// <remarks>
    /// Completing <see cref="Output"/> sends a close frame; the other end may still send. <see cref="Abort"/> sends none.
    /// </remarks>
    /// <param name="webSocket">A WebSocket that is open; owned by the link from now on.</param>
    /// <param name="remoteEndPoint">The address of the other end, where it is known.</param>
    /// <returns>The link.</returns>
    public static Link FromWebSocket(WebSocket webSocket, EndPoint? remoteEndPoint = null)
    {
        ArgumentNullException.ThrowIfNull(webSocket);
        return new WebSocketLink(webSocket, remoteEndPoint);
    }

    /// <summary>Connects by WebSocket, for where nothing but HTTP passes.</summary>
    /// <param name="address">A <c>ws:</c> or <c>wss:</c> address.</param>
    /// <param name="configure">Headers, credentials, proxy, client certificates; the default is the platform's.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link.</returns>
    /// <exception cref="WebSocketException">The server was not reached, or did not answer as a WebSocket server.</exception>
    public static ValueTask<Link> ConnectWebSocketAsync(
        Uri address, Action<ClientWebSocketOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return WebSocketLink.ConnectAsync(address, configure, cancellationToken);
    }

    /// <summary>Takes the link for a main connection.</summary>
    /// <exception cref="InvalidOperationException">It carries one already; that one goes on.</exception>
    internal void Claim()
    {
        if (Interlocked.Exchange(ref _carries, 1) != 0)
        {
            throw new InvalidOperationException("The link carries a main connection already; each main connection needs a new one.");
        }
    }

    private static async ValueTask<Socket> ConnectSocketAsync(string host, int port, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
