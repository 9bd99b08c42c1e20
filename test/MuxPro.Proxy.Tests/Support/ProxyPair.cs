using System.Net;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A server and a client on free ports, with keys and TLS between them.</summary>
internal sealed class ProxyPair : IAsyncDisposable
{
    private static readonly KeyFile ServerKey = KeyFile.Create("server", TimeProvider.System);
    private static readonly KeyFile ClientKey = KeyFile.Create("client", TimeProvider.System);

    private ProxyPair(ProxyServer server, ProxyClient client, LogCollector serverLog, LogCollector clientLog)
    {
        Server = server;
        Client = client;
        ServerLog = serverLog;
        ClientLog = clientLog;
    }

    public ProxyServer Server { get; private set; }

    public ProxyClient Client { get; }

    public LogCollector ServerLog { get; }

    public LogCollector ClientLog { get; }

    public static IPEndPoint FreePort { get; } = new(IPAddress.Loopback, 0);

    public static ProxyPair Start(
        Func<ProxyServerOptions, ProxyServerOptions>? server = null, Func<ProxyClientOptions, ProxyClientOptions>? client = null)
    {
        var serverLog = new LogCollector();
        var clientLog = new LogCollector();
        ProxyServerOptions serverOptions = ServerOptions(serverLog);
        var runningServer = ProxyServer.Start(server?.Invoke(serverOptions) ?? serverOptions);
        var clientOptions = new ProxyClientOptions
        {
            Servers = [AddressOf(runningServer)],
            Listen = FreePort,
            LoggerFactory = clientLog,
        };
        return new ProxyPair(runningServer, ProxyClient.Start(client?.Invoke(clientOptions) ?? clientOptions), serverLog, clientLog);
    }

    /// <summary>Stops the server and starts another one at the same address.</summary>
    public async Task RestartServerAsync()
    {
        IPEndPoint endPoint = Server.EndPoint;
        await Server.DisposeAsync();
        Server = ProxyServer.Start(ServerOptions(ServerLog) with { Listen = endPoint });
    }

    public HttpClient HttpClient(string scheme, string? user = null)
    {
        var proxy = new WebProxy(new Uri($"{scheme}://127.0.0.1:{Client.EndPoint.Port}"));
        if (user is not null)
        {
            proxy.Credentials = new NetworkCredential(user.Split(':')[0], user.Split(':')[1]);
        }

        return new HttpClient(new SocketsHttpHandler { Proxy = proxy, UseProxy = true }) { Timeout = TimeSpan.FromSeconds(50) };
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        ClientLog.AssertNothingUnexpected();
        ServerLog.AssertNothingUnexpected();
    }

    /// <summary>A server of the tests, as a client knows it.</summary>
    public static ServerAddress AddressOf(ProxyServer server) => new()
    {
        Target = Destination.Tcp(IPAddress.Loopback, server.EndPoint.Port),
        Key = ClientKey,
        Pin = ServerKey.Pin,
    };

    public static ProxyServerOptions ServerOptions(LogCollector log) => new()
    {
        Listen = FreePort,
        Key = ServerKey,
        Authorized = AuthorizedKeys.Of(ClientKey.Pin, "tester", log),
        AllowPrivate = true,
        LoggerFactory = log,
    };
}
