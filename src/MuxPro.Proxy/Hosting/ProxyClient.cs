using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Hosting;

/// <summary>A running client: applications in, main connections out.</summary>
internal sealed class ProxyClient : IAsyncDisposable
{
    private readonly SocketListener _listener;
    private readonly ClientManager _manager;
    private readonly ServerDialer _dialer;

    private ProxyClient(SocketListener listener, ClientManager manager, ServerDialer dialer)
    {
        _listener = listener;
        _manager = manager;
        _dialer = dialer;
    }

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>How many applications' connections are open.</summary>
    public int OpenConnections => _listener.OpenConnections;

    /// <summary>How many main connections were made since the start.</summary>
    public int DialedConnections => _dialer.Dialed;

    /// <exception cref="System.Net.Sockets.SocketException">The address is in use, or is none of this machine.</exception>
    public static ProxyClient Start(ProxyClientOptions options)
    {
        ILogger logger = options.LoggerFactory.CreateLogger("MuxPro.Proxy.Client");
        var dialer = new ServerDialer(options.Server, options.TimeProvider, logger, options.Sockets);
        ClientManager manager = MuxClient.Connect(
            dialer.DialAsync,
            options.Strategy,
            new MuxOptions { TimeProvider = options.TimeProvider, LoggerFactory = options.LoggerFactory });
        var inbound = new MixedInbound(
            new ServerDispatcher(manager, dialer),
            new InboundOptions { Users = options.Users, Reasons = options.Reasons, TimeProvider = options.TimeProvider },
            logger);
        var listener = SocketListener.Start(options.Listen, options.MaxClients, inbound.ServeAsync, options.Sockets, logger, options.TimeProvider);
        return new ProxyClient(listener, manager, dialer);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _manager.DisposeAsync();
    }
}

/// <summary>Settings of a client.</summary>
internal sealed record ProxyClientOptions
{
    public const int DefaultMaxClients = 20_000;

    public required ServerAddress Server { get; init; }

    public required IPEndPoint Listen { get; init; }

    public Users Users { get; init; } = Users.None;

    public ClientStrategy Strategy { get; init; } = new();

    /// <summary>Most applications' connections at once.</summary>
    public int MaxClients { get; init; } = DefaultMaxClients;

    /// <summary>Has the reasons why targets are not reached, where the server is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    /// <summary>Most sockets at once.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    public required ILoggerFactory LoggerFactory { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
