using System.Net.Security;

namespace MuxPro.AspNetCore;

/// <summary>
/// Settings of a client that <c>AddMuxClient</c> registers. Values that break a rule stop the host when it starts, and the message names
/// them.
/// </summary>
public sealed class MuxClientOptions : MuxConnectionOptions
{
    private static readonly ClientStrategy DefaultStrategy = new();

    /// <summary>
    /// Where the server is: <c>tls://HOST:PORT</c>, <c>tcp://HOST:PORT</c>, or the address of a WebSocket, <c>wss://HOST/PATH</c> or
    /// <c>ws://HOST/PATH</c>.
    /// </summary>
    /// <value>
    /// The default value is <see langword="null"/>: <see cref="Dial"/> connects. The port of <c>tls:</c> and <c>tcp:</c> is 9527 where it
    /// is left out.
    /// </value>
    public Uri? Address { get; set; }

    /// <summary>
    /// Connects to the server, where <see cref="Address"/> cannot say how: a client certificate, a proxy, another transport. Goes before
    /// it.
    /// </summary>
    /// <value>The default value is <see langword="null"/>.</value>
    public Func<CancellationToken, ValueTask<Link>>? Dial { get; set; }

    /// <inheritdoc cref="ClientStrategy.MaxConcurrency"/>
    public int MaxConcurrency { get; set; } = DefaultStrategy.MaxConcurrency;

    /// <inheritdoc cref="ClientStrategy.MaxConnection"/>
    public int MaxConnection { get; set; } = DefaultStrategy.MaxConnection;

    internal ClientStrategy ToStrategy(List<string> failures)
    {
        ClientStrategy strategy = Try(
            DefaultStrategy, MaxConcurrency, static (each, value) => each with { MaxConcurrency = value }, failures);
        return Try(strategy, MaxConnection, static (each, value) => each with { MaxConnection = value }, failures);
    }

    internal Func<CancellationToken, ValueTask<Link>>? ToDial(List<string> failures)
    {
        if (Dial is not null)
        {
            return Dial;
        }

        if (Address is not { } address)
        {
            failures.Add($"{nameof(Address)} or {nameof(Dial)} must say where the server is.");
            return null;
        }

        const int DefaultPort = 9527;
        string host = address.IsAbsoluteUri ? address.IdnHost : "";
        int port = address.IsAbsoluteUri && address.Port > 0 ? address.Port : DefaultPort;
        switch (address.IsAbsoluteUri && host.Length > 0 ? address.Scheme : "")
        {
            case "tls":
                return cancellationToken => Link.ConnectTlsAsync(
                    host,
                    port,
                    new SslClientAuthenticationOptions { TargetHost = host, ApplicationProtocols = [MuxProDefaults.ApplicationProtocol] },
                    cancellationToken);
            case "tcp":
                return cancellationToken => Link.ConnectTcpAsync(host, port, cancellationToken);
            case "ws" or "wss":
                return cancellationToken => Link.ConnectWebSocketAsync(
                    address, static options => options.AddSubProtocol(MuxProDefaults.Protocol), cancellationToken);
            default:
                failures.Add($"{nameof(Address)} '{address}' is not tls://HOST:PORT, tcp://HOST:PORT, wss://HOST/PATH or ws://HOST/PATH.");
                return null;
        }
    }
}
