using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Hosting;

/// <summary>A running client: applications in, main connections out.</summary>
internal sealed class ProxyClient : IAsyncDisposable
{
    // The other end may not take the last word.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly SocketListener _listener;
    private readonly ClientManager _manager;
    private readonly ServerDialer[] _dialers;
    private readonly ILogger _logger;

    private ProxyClient(SocketListener listener, ClientManager manager, ServerDialer[] dialers, ILogger logger)
    {
        _listener = listener;
        _manager = manager;
        _dialers = dialers;
        _logger = logger;
    }

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>How many applications' connections are open.</summary>
    public int OpenConnections => _listener.OpenConnections;

    /// <summary>How many main connections were made since the start.</summary>
    public int DialedConnections => _dialers.Sum(static dialer => dialer.Dialed);

    /// <exception cref="System.Net.Sockets.SocketException">The address is in use, or is none of this machine.</exception>
    public static ProxyClient Start(ProxyClientOptions options)
    {
        ILogger logger = options.LoggerFactory.CreateLogger("MuxPro.Proxy.Client");
        ServerDialer[] dialers = [.. options.Servers.Select(server => new ServerDialer(server, options.TimeProvider, logger, options.Sockets))];
        ClientManager manager = Connect(dialers, options);
        var inbound = new MixedInbound(
            new ServerDispatcher(manager, options.Priorities),
            new InboundOptions
            {
                Users = options.Users,
                DatagramTimeout = options.DatagramTimeout,
                Sockets = options.Sockets,
                Reasons = options.Reasons,
                TimeProvider = options.TimeProvider,
            },
            logger);
        var listener = SocketListener.Start(options.Listen, options.MaxClients, inbound.ServeAsync, options.Sockets, logger, options.TimeProvider);
        return new ProxyClient(listener, manager, dialers, logger);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        try
        {
            await _manager.DisposeAsync().AsTask().WaitAsync(StopTimeout);
        }
        catch (TimeoutException)
        {
            _logger.ManagerStoppedEarly();
        }
    }

    /// <summary>The one place that decides how main connections are made and chosen.</summary>
    private static ClientManager Connect(ServerDialer[] dialers, ProxyClientOptions options)
    {
        var mux = new MuxOptions { Versions = options.Versions, TimeProvider = options.TimeProvider, LoggerFactory = options.LoggerFactory };
        ClientStrategy strategy = options.Strategy;
        return new ClientManager(
            MakePool(strategy),
            strategy.DatagramConcurrency == 0 ? null : MakePool(strategy with { MaxConcurrency = strategy.DatagramConcurrency }));

        WorkerPool MakePool(ClientStrategy limits)
        {
            (string, IClientWorkerFactory)[] servers =
                [.. dialers.Select(dialer => (dialer.Name, (IClientWorkerFactory)new ServerWorkers(dialer, limits, mux)))];
            IClientWorkerFactory workers = servers is [(_, var only)] ? only : new FailoverWorkerFactory(servers);
            return options.PicksLeastLoaded ? new LeastLoadedWorkerPicker(workers) : new IncrementalWorkerPicker(workers);
        }
    }
}

/// <summary>Settings of a client.</summary>
internal sealed record ProxyClientOptions
{
    public const int DefaultMaxClients = 20_000;

    /// <summary>At least one; the first that takes a main connection gets it.</summary>
    public required IReadOnlyList<ServerAddress> Servers { get; init; }

    public required IPEndPoint Listen { get; init; }

    public Users Users { get; init; } = Users.None;

    public ClientStrategy Strategy { get; init; } = new();

    /// <summary>Whether a connection goes over the main connection that carries the fewest, instead of the first one with room.</summary>
    public bool PicksLeastLoaded { get; init; }

    /// <summary>Versions of the protocol that are offered.</summary>
    public IReadOnlyList<ProtocolVersion> Versions { get; init; } = new MuxOptions().Versions;

    /// <summary>The priorities of destinations' ports.</summary>
    public PriorityRules Priorities { get; init; } = PriorityRules.None;

    /// <summary>How long a UDP association may idle before it ends.</summary>
    public TimeSpan DatagramTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most applications' connections at once.</summary>
    public int MaxClients { get; init; } = DefaultMaxClients;

    /// <summary>Has the reasons why targets are not reached, where the server is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    /// <summary>Most sockets at once.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    public required ILoggerFactory LoggerFactory { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
