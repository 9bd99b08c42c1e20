using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Dials main connections to one server, and checks that it is the right one.</summary>
internal sealed class ServerDialer(ServerAddress server, TimeProvider time, ILogger logger, SocketBudget sockets)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    // 1 while the last attempt failed: the first failure of a row is a warning, the rest is noise.
    private int _isDown;
    private int _dialed;

    /// <summary>The server, as messages name it.</summary>
    public string Name { get; } = server.Target.ToString();

    /// <summary>How many main connections were made.</summary>
    public int Dialed => Volatile.Read(ref _dialed);

    /// <exception cref="IOException">There is no connection; the message says why.</exception>
    public async ValueTask<Link> DialAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            Link link = await ConnectAsync(either.Token);
            Interlocked.Increment(ref _dialed);
            logger.Connected(Name);
            return link;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"it did not answer within {ConnectTimeout.TotalSeconds} s.", null);
        }
        catch (Exception exception) when (exception is SocketException or AuthenticationException or IOException)
        {
            throw Failed(Explain(exception), exception);
        }
    }

    /// <summary>A main connection works: the next failure is news again.</summary>
    public void OnUp() => Volatile.Write(ref _isDown, 0);

    /// <summary>The connection was made, and ended before it was a main connection: that is how a server refuses a key.</summary>
    public void OnNotNegotiated(MainConnectionException exception)
    {
        string hint = server switch
        {
            { IsPlaintext: true } => "does the other end speak TLS? Then --plaintext is wrong here",
            { Key: { } key } => $"is this client's key authorized there? It is {key.Pin}",
            _ => "does it ask for a key? This client has no --key",
        };
        string what = exception.Reason == MainConnectionEnd.NegotiationFailed
            ? exception.Message.TrimEnd('.') : "it closed the connection before it negotiated";
        _ = Failed($"{what}: {hint}.", exception);
    }

    private string Explain(Exception exception)
    {
        if (server.IsPlaintext || (exception as SocketException ?? exception.InnerException as SocketException) is { } socket
            && socket.SocketErrorCode != SocketError.ConnectionReset)
        {
            return exception.Message;
        }

        return exception.Message.StartsWith("its key is", StringComparison.Ordinal)
            ? exception.Message : MuxTls.Explain(exception, isServer: false) + ".";
    }

    private async ValueTask<Link> ConnectAsync(CancellationToken cancellationToken)
    {
        (string host, int port) = (server.Target.Host, server.Target.Port);
        if (server.IsPlaintext)
        {
            return Link.FromSocket(await CountedSocket.ConnectAsync(host, port, sockets, cancellationToken));
        }

        Pin? seen = null;
        SslClientAuthenticationOptions options = MuxTls.ForClient(host, server.Key, server.Pin, pin => seen = pin);
        Link link;
        try
        {
            link = await ConnectTlsAsync(host, port, options, cancellationToken);
        }
        catch (AuthenticationException exception) when (seen is not null && seen != server.Pin)
        {
            throw new AuthenticationException($"its key is {seen}, not the one that --pin expects.", exception);
        }

        if (((SslStream)link.AsStream()).NegotiatedApplicationProtocol != MuxTls.Protocol)
        {
            link.Abort();
            throw new AuthenticationException(MuxTls.OtherProtocol);
        }

        return link;
    }

    private async ValueTask<Link> ConnectTlsAsync(
        string host, int port, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        Socket socket = await CountedSocket.ConnectAsync(host, port, sockets, cancellationToken);
        return await Link.ConnectTlsAsync(socket, options, cancellationToken);
    }

    private IOException Failed(string reason, Exception? inner)
    {
        if (Interlocked.Exchange(ref _isDown, 1) == 0)
        {
            logger.ConnectFailed(Name, reason);
        }
        else
        {
            logger.ConnectFailedAgain(Name, reason);
        }

        return new IOException($"No main connection to {Name}: {reason}", inner);
    }
}

/// <summary>Where a server is and how it is recognised.</summary>
internal sealed record ServerAddress
{
    public required Destination Target { get; init; }

    /// <summary>No TLS: neither end knows the other, and everybody on the way reads along.</summary>
    public bool IsPlaintext { get; init; }

    /// <summary>What this client shows; a server that takes anybody needs none.</summary>
    public KeyFile? Key { get; init; }

    /// <summary>The server's key, or <see langword="null"/> to ask the system's authorities.</summary>
    public Pin? Pin { get; init; }
}
