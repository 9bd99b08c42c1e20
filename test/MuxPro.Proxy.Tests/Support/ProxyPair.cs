using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A server and a client on free ports, with keys and TLS between them.</summary>
internal sealed class ProxyPair : IAsyncDisposable
{
    private static readonly KeyFile ServerKey = KeyFile.Create("server", TimeProvider.System);
    private static readonly KeyFile ClientKey = KeyFile.Create("client", TimeProvider.System);

    private readonly string _directory = Directory.CreateTempSubdirectory("muxpro-pair-").FullName;
    private Daemon? _server;
    private Daemon? _client;

    private ProxyPair()
    {
    }

    public Daemon Server => _server!;

    public Daemon Client => _client!;

    public IPEndPoint ServerEndPoint => (IPEndPoint)Server.EndPoints[0];

    public IPEndPoint EndPoint => (IPEndPoint)Client.EndPoints[0];

    public LogCollector ServerLog { get; } = new();

    public LogCollector ClientLog { get; } = new();

    /// <summary>How many main connections the client made.</summary>
    public int DialedConnections => ClientLog.Entries.Count(static entry => entry.Id == 50);

    public static async Task<ProxyPair> StartAsync(Func<ServerSide, ServerSide>? server = null, Func<ClientSide, ClientSide>? client = null)
    {
        var pair = new ProxyPair();
        ServerSide serverSide = pair.ServerSide(pair.ServerLog);
        pair._server = await (server?.Invoke(serverSide) ?? serverSide).StartAsync();
        var clientSide = new ClientSide(pair.ClientLog) { Servers = [AddressOf(pair.Server)], Key = ClientKey };
        pair._client = await (client?.Invoke(clientSide) ?? clientSide).StartAsync();
        return pair;
    }

    /// <summary>A server of this pair's keys.</summary>
    public ServerSide ServerSide(LogCollector log)
    {
        string authorized = Path.Combine(_directory, "authorized");
        File.WriteAllText(authorized, $"{ClientKey.Pin} tester\n");
        return new ServerSide(log) { Key = ServerKey, Authorized = authorized };
    }

    /// <summary>Stops the server and starts another one at the same address.</summary>
    public async Task RestartServerAsync()
    {
        IPEndPoint endPoint = ServerEndPoint;
        await Server.DisposeAsync();
        _server = await (ServerSide(ServerLog) with { Port = endPoint.Port }).StartAsync();
    }

    public HttpClient HttpClient(string scheme, string? user = null)
    {
        var proxy = new WebProxy(new Uri($"{scheme}://127.0.0.1:{EndPoint.Port}"));
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
        Directory.Delete(_directory, recursive: true);
        ClientLog.AssertNothingUnexpected();
        ServerLog.AssertNothingUnexpected();
    }

    /// <summary>A server of the tests, as a client knows it.</summary>
    public static MuxServerConfiguration AddressOf(Daemon server)
        => new() { Address = "127.0.0.1", Port = ((IPEndPoint)server.EndPoints[0]).Port, Pins = [ServerKey.Pin] };
}

/// <summary>What a server of the tests is like.</summary>
internal sealed record ServerSide(LogCollector Log)
{
    /// <summary>What it shows, or <see langword="null"/> for no TLS.</summary>
    public KeyFile? Key { get; init; }

    /// <summary>The file of those who may come, or <see langword="null"/> for everybody.</summary>
    public string? Authorized { get; init; }

    public int Port { get; init; }

    public bool AllowPrivate { get; init; } = true;

    public IReadOnlyList<MuxVersion> Versions { get; init; } = new MuxConfiguration().Versions;

    public int HighestPriority { get; init; }

    public int ConnectTimeout { get; init; } = 10;

    public int MaxConnections { get; init; } = 4096;

    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    public ILoggerFactory LoggerFactory { get; init; } = Log;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public Task<Daemon> StartAsync()
    {
        var keys = new KeyStore();
        var configuration = new DaemonConfiguration
        {
            Inbounds =
            [
                CommonOptions.ToInbound("server", new IPEndPoint(IPAddress.Loopback, Port), new MuxInboundSettings
                {
                    AuthorizedKeys = Authorized,
                    Protocols = [MuxProtocolName.MuxPro],
                    Versions = Versions,
                    HighestPriority = HighestPriority,
                }) with { StreamSettings = CommonOptions.ToServerStream(Key is null ? null : keys.Add(Key)) },
            ],
            Outbounds =
            [
                new OutboundConfiguration { Tag = "direct", Settings = new DirectOutboundSettings { AllowPrivate = AllowPrivate } },
            ],
            Limits = new LimitsConfiguration { ConnectTimeout = ConnectTimeout, MaxConnections = MaxConnections },
        };
        return Daemon.StartAsync(
            configuration, keys,
            new DaemonOptions
            {
                LoggerFactory = LoggerFactory,
                AccessLog = new AccessLog(Log),
                TimeProvider = TimeProvider,
                Sockets = Sockets,
            });
    }
}

/// <summary>What a client of the tests is like.</summary>
internal sealed record ClientSide(LogCollector Log)
{
    public required IReadOnlyList<MuxServerConfiguration> Servers { get; init; }

    /// <summary>What it shows, if it does.</summary>
    public required KeyFile? Key { get; init; }

    public bool IsPlaintext { get; init; }

    public IReadOnlyList<AccountConfiguration> Accounts { get; init; } = [];

    public MuxConfiguration Mux { get; init; } = new();

    public IReadOnlyList<RuleConfiguration> Rules { get; init; } = [];

    public int MaxConnections { get; init; } = 20_000;

    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public Task<Daemon> StartAsync()
    {
        var keys = new KeyStore();
        var configuration = new DaemonConfiguration
        {
            Inbounds =
            [
                CommonOptions.ToInbound(
                    "client", new IPEndPoint(IPAddress.Loopback, 0),
                    new MixedInboundSettings { Accounts = Accounts, Udp = true, ForwardMux = true }),
            ],
            Outbounds =
            [
                new OutboundConfiguration
                {
                    Tag = "server",
                    Settings = new MuxOutboundSettings { Servers = Servers },
                    StreamSettings = IsPlaintext
                        ? new StreamConfiguration()
                        : CommonOptions.ToClientStream(Key is null ? null : keys.Add(Key), pins: []),
                    Mux = Mux,
                },
            ],
            Routing = new RoutingConfiguration { Rules = Rules },
            Limits = new LimitsConfiguration { MaxConnections = MaxConnections },
        };
        return Daemon.StartAsync(
            configuration, keys,
            new DaemonOptions { LoggerFactory = Log, AccessLog = new AccessLog(Log), TimeProvider = TimeProvider, Sockets = Sockets });
    }
}
