using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Hosting;

/// <summary>A running server: main connections in, connections to targets out.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private static readonly TimeSpan AuthorizedKeysInterval = TimeSpan.FromSeconds(5);

    // What one address may hold of the places without saying who it is. A client may well dial many main connections at once.
    private const int HandshakeShare = 4;

    private readonly SocketListener _listener;
    private readonly MuxInbound _inbound;
    private readonly ITimer? _refresh;

    private ProxyServer(SocketListener listener, MuxInbound inbound, ITimer? refresh)
    {
        _listener = listener;
        _inbound = inbound;
        _refresh = refresh;
    }

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>How many main connections are open, those in their handshake included.</summary>
    public int OpenConnections => _listener.OpenConnections;

    /// <summary>How many main connections are served.</summary>
    public int MainConnections => _inbound.MainConnections.Count;

    /// <exception cref="System.Net.Sockets.SocketException">The address is in use, or is none of this machine.</exception>
    public static ProxyServer Start(ProxyServerOptions options)
    {
        ILogger logger = options.LoggerFactory.CreateLogger("MuxPro.Proxy.Server");
        var targets = new DirectDispatcher(new DirectOptions
        {
            AllowPrivate = options.AllowPrivate,
            ConnectTimeout = options.ConnectTimeout,
            Connect = (target, cancellationToken) => CountedSocket.ConnectAsync(target, options.Sockets, cancellationToken),
            CreateDatagramSocket = family => CountedSocket.ForDatagrams(family, options.Sockets),
            TimeProvider = options.TimeProvider,
        });
        var inbound = new MuxInbound(
            targets,
            new MuxInboundOptions
            {
                Key = options.Key,
                Authorized = options.Authorized,
                Reasons = options.Reasons,
                MaxHandshakesPerAddress = Math.Max(1, Math.Min(options.MaxClients, options.Sockets.Limit) / HandshakeShare),
                Flows = new FlowTable(options.TimeProvider),
                MuxOptions = new MuxOptions
                {
                    Versions = options.Versions,
                    HighestPriority = options.HighestPriority,
                    DatagramIdleTimeout = options.DatagramTimeout,
                    TimeProvider = options.TimeProvider,
                    LoggerFactory = options.LoggerFactory,
                },
            },
            logger);
        var listener = SocketListener.Start(options.Listen, options.MaxClients, inbound.ServeAsync, options.Sockets, logger, options.TimeProvider);
        ITimer? refresh = options.Authorized is not { } authorized ? null : options.TimeProvider.CreateTimer(
            _ => CloseRevoked(authorized, inbound, logger),
            null, AuthorizedKeysInterval, AuthorizedKeysInterval);
        return new ProxyServer(listener, inbound, refresh);
    }

    /// <summary>Takes no main connection any more, and waits until what is open on the others has ended.</summary>
    /// <param name="deadline">Closes what is still open.</param>
    /// <returns>How many sub-connections were cut by the deadline.</returns>
    public async Task<int> DrainAsync(CancellationToken deadline)
    {
        await _listener.StopAcceptingAsync();
        return await _inbound.MainConnections.DrainAsync(deadline);
    }

    /// <summary>What a timer throws ends the process: here nothing may.</summary>
    private static void CloseRevoked(AuthorizedKeys authorized, MuxInbound inbound, ILogger logger)
    {
        try
        {
            authorized.Refresh();
            inbound.MainConnections.CloseRevoked();
        }
        catch (Exception exception)
        {
            logger.KeyCheckFailed(exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_refresh is not null)
        {
            await _refresh.DisposeAsync();
        }

        await _listener.DisposeAsync();
    }
}

/// <summary>Settings of a server.</summary>
internal sealed record ProxyServerOptions
{
    public const int DefaultMaxClients = 4096;

    public required IPEndPoint Listen { get; init; }

    /// <summary>The server's key, or <see langword="null"/> for no TLS.</summary>
    public KeyFile? Key { get; init; }

    /// <summary>Who may come, or <see langword="null"/> for everybody.</summary>
    public AuthorizedKeys? Authorized { get; init; }

    /// <summary>Whether targets may be loopback, link-local, private or multicast addresses.</summary>
    public bool AllowPrivate { get; init; }

    /// <summary>Versions of the protocol that are spoken.</summary>
    public IReadOnlyList<ProtocolVersion> Versions { get; init; } = new MuxOptions().Versions;

    /// <summary>The highest priority for those whose key says nothing else.</summary>
    public byte HighestPriority { get; init; }

    /// <summary>How long connecting to a target may take, looking its name up included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a flow of datagrams may idle before it ends.</summary>
    public TimeSpan DatagramTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most main connections at once.</summary>
    public int MaxClients { get; init; } = DefaultMaxClients;

    /// <summary>Gets the reasons why targets are not reached, where the client is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    /// <summary>Most sockets at once.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    public required ILoggerFactory LoggerFactory { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
