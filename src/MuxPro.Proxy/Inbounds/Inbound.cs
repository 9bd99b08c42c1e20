using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// An inbound of the daemon, as a configuration says: what happens to the connections that come in, however they are listened for.
/// </summary>
internal sealed class Inbound
{
    // What one address may hold of the places without saying who it is. A client may well dial many main connections at once.
    private const int HandshakeShare = 4;

    private readonly InboundTransport _transport;
    private readonly HandshakeLimit _handshakes;
    private readonly Func<InboundTransportConnection, CancellationToken, Task> _serve; // and disposes it
    private readonly CancellationTokenSource _retiring;
    private readonly ILogger _logger;

    private Inbound(
        InboundConfiguration configuration, string tag, InboundTransport transport, MainConnections mains,
        Func<InboundTransportConnection, CancellationToken, Task> serve, ForwardTarget? datagrams, int maxHandshakes,
        CancellationTokenSource retiring, ILogger logger)
    {
        _retiring = retiring;
        Configuration = configuration;
        Tag = tag;
        MainConnections = mains;
        Datagrams = datagrams;
        _transport = transport;
        _serve = serve;
        _handshakes = new HandshakeLimit(maxHandshakes);
        MaxHandshakes = maxHandshakes;
        _logger = logger;
    }

    public InboundConfiguration Configuration { get; }

    /// <summary>Its tag, or its place in the configuration.</summary>
    public string Tag { get; }

    /// <summary>The main connections that came in here.</summary>
    public MainConnections MainConnections { get; }

    /// <summary>The key that clients see; <see langword="null"/> without TLS.</summary>
    public Pin? Pin => _transport.Pin;

    /// <summary>Where datagrams go that come in here; <see langword="null"/> where none do.</summary>
    public ForwardTarget? Datagrams { get; }

    private int MaxHandshakes { get; }

    /// <summary>Where it listens.</summary>
    public IEnumerable<EndPoint> EndPoints => Configuration.StreamSettings.Network == TransportNetwork.Unix
        ? [new UnixDomainSocketEndPoint(Configuration.Listen)]
        : Enumerable.Range(Configuration.Port!.Value.First, Configuration.Port.Value.Last - Configuration.Port.Value.First + 1)
            .Select(port => new IPEndPoint(IPAddress.Parse(Configuration.Listen), port));

    /// <summary>Whether streams come in here.</summary>
    public bool TakesStreams => Configuration.Settings is not ForwardInboundSettings { Network.HasTcp: false };

    /// <summary>Makes an inbound.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public static Inbound Create(InboundConfiguration configuration, string tag, InboundContext context)
    {
        ILogger logger = context.LoggerFactory.CreateLogger("MuxPro.Proxy.Inbound");
        var settings = configuration.Settings as MuxInboundSettings;
        WatchedFile<AuthorizedKeys>? authorized = settings?.AuthorizedKeys is { } file
            ? context.Keys.WatchAuthorizedKeys(file, context.TimeProvider, logger) : null;
        MuxOptions muxOptions = context.MuxOptions with
        {
            AcceptedProtocols = ToProtocols(settings),
            Versions = settings?.Versions.ToVersions() ?? context.MuxOptions.Versions,
            HighestPriority = (byte)(settings?.HighestPriority ?? 0),
        };
        var mains = new MainConnections(muxOptions, authorized, context.Flows, logger);
        var retiring = new CancellationTokenSource();
        InboundOptions options = ToOptions(configuration, tag, context, mains) with { Retiring = retiring.Token };
        var transport = new InboundTransport(
            configuration.StreamSettings, settings is not null, authorized is not null, muxOptions.HandshakeTimeout, context.Keys,
            context.TimeProvider, logger);
        (Func<InboundTransportConnection, CancellationToken, Task> serve, ForwardTarget? datagrams) = configuration.Settings switch
        {
            MuxInboundSettings => (ServeMain(mains, context, tag), null),
            ForwardInboundSettings forward => ToForward(forward, options, context, logger),
            ProxyInboundSettings => (ServeApplications(new ProxyInbound(context.DispatcherOf, options, logger)), (ForwardTarget?)null),
            _ => throw new InvalidOperationException($"Nothing serves {configuration.Settings.GetType().Name}."),
        };
        int maxHandshakes = Math.Max(1, Math.Min(context.MaxConnections, context.Sockets.Limit) / HandshakeShare);
        return new Inbound(configuration, tag, transport, mains, serve, datagrams, maxHandshakes, retiring, logger);
    }

    /// <summary>Nothing new comes in here. Connections that wait for another request end; what is being carried goes on.</summary>
    public void Retire() => _retiring.Cancel();

    /// <summary>Serves a connection to its end.</summary>
    public Task ServeAsync(Socket socket, CancellationToken stopping)
    {
        // Without TLS there is nothing to wait for, and nothing to keep while the connection may idle for days.
        ValueTask<InboundTransportConnection?> accepting = AcceptAsync(socket, stopping);
        return accepting.IsCompletedSuccessfully
            ? ServeAsync(accepting.Result, stopping)
            : ServeAcceptedAsync(accepting, stopping);
    }

    private async Task ServeAcceptedAsync(ValueTask<InboundTransportConnection?> accepting, CancellationToken stopping)
        => await ServeAsync(await accepting, stopping);

    private Task ServeAsync(InboundTransportConnection? connection, CancellationToken stopping)
        => connection is null ? Task.CompletedTask : _serve(connection, stopping);

    private async ValueTask<InboundTransportConnection?> AcceptAsync(Socket socket, CancellationToken stopping)
    {
        if (Addresses.RemoteOf(socket) is not IPEndPoint { Address: var address })
        {
            return await _transport.AcceptAsync(socket, stopping);
        }

        if (!_handshakes.TryEnter(address))
        {
            _logger.TooManyHandshakes(address, MaxHandshakes);
            return null;
        }

        try
        {
            return await _transport.AcceptAsync(socket, stopping);
        }
        finally
        {
            _handshakes.Leave(address);
        }
    }

    private static Func<InboundTransportConnection, CancellationToken, Task> ServeMain(
        MainConnections mains, InboundContext context, string tag)
        => async (connection, stopping) =>
        {
            await using Link link = connection.Link;
            if (mains.Identify(connection.PeerCertificate, connection.Source) is { } peer)
            {
                await mains.RunAsync(link, peer, context.DispatcherOf(new SessionSource(tag, peer.User, connection.Source)), stopping);
            }
        };

    private static Func<InboundTransportConnection, CancellationToken, Task> ServeApplications(ProxyInbound inbound)
        => (connection, stopping) => inbound.ServeAsync(new Application(connection.Link, connection.Socket, connection.Source), stopping);

    private static (Func<InboundTransportConnection, CancellationToken, Task>, ForwardTarget?) ToForward(
        ForwardInboundSettings settings, InboundOptions options, InboundContext context, ILogger logger)
    {
        var inbound = new ForwardInbound(context.DispatcherOf, settings.Address, settings.Port, options, logger);
        ForwardTarget? datagrams = settings.Network.HasUdp
            ? new ForwardTarget(context.DispatcherOf, Destination.Udp(settings.Address, settings.Port ?? 0), options) : null;
        return (
            (connection, stopping) => inbound.ServeAsync(new Application(connection.Link, connection.Socket, connection.Source), stopping),
            datagrams);
    }

    private static InboundOptions ToOptions(InboundConfiguration configuration, string tag, InboundContext context, MainConnections mains)
    {
        var users = new Users();
        foreach (AccountConfiguration account in (configuration.Settings as ProxyInboundSettings)?.Accounts ?? [])
        {
            users.TryAdd($"{account.User}:{account.Pass}");
        }

        (bool udp, IPAddress? ip, bool strict) = configuration.Settings switch
        {
            SocksInboundSettings socks => (socks.Udp, socks.Ip, socks.UdpStrict),
            MixedInboundSettings mixed => (mixed.Udp, mixed.Ip, mixed.UdpStrict),
            _ => (false, null, false),
        };
        return new InboundOptions
        {
            Tag = tag,
            Users = users,
            Speaks = configuration.Settings switch
            {
                SocksInboundSettings => InboundProtocols.Socks,
                HttpInboundSettings => InboundProtocols.Http,
                MixedInboundSettings => InboundProtocols.Socks | InboundProtocols.Http,
                _ => default,
            },
            CarriesDatagrams = udp,
            AssociationAddress = ip,
            IsStrictAboutSource = strict,
            SpecialAddresses = configuration.Settings switch
            {
                ProxyInboundSettings { AllowMux: true } or ForwardInboundSettings => SpecialAddresses.Served,
                ProxyInboundSettings { ForwardMux: true } => SpecialAddresses.Forwarded,
                _ => SpecialAddresses.Refused,
            },
            MainConnections = mains,
            HandshakeTimeout = context.MuxOptions.HandshakeTimeout,
            HalfCloseTimeout = context.HalfCloseTimeout,
            DatagramTimeout = context.MuxOptions.DatagramIdleTimeout,
            FlowIds = context.FlowIds,
            Sockets = context.Sockets,
            TimeProvider = context.TimeProvider,
        };
    }

    private static MuxProtocols ToProtocols(MuxInboundSettings? settings)
        => settings is null ? MuxProtocols.MuxPro | MuxProtocols.MuxCool : settings.Protocols.Aggregate(
            (MuxProtocols)0, static (all, one) => all | (one == MuxProtocolName.MuxPro ? MuxProtocols.MuxPro : MuxProtocols.MuxCool));
}

/// <summary>What inbounds have in common.</summary>
internal sealed record InboundContext
{
    public required TimeProvider TimeProvider { get; init; }

    public required ILoggerFactory LoggerFactory { get; init; }

    /// <summary>Has the keys and certificates that inbounds name.</summary>
    public required KeyStore Keys { get; init; }

    /// <summary>Reaches targets for one who asks.</summary>
    public required Func<SessionSource, RoutedDispatcher> DispatcherOf { get; init; }

    /// <summary>Settings of main connections.</summary>
    public required MuxOptions MuxOptions { get; init; }

    /// <summary>Has the flows of datagrams of all main connections, so that one that is replaced loses none.</summary>
    public required FlowTable Flows { get; init; }

    /// <summary>How long one side of a tunnel may be silent when the other has ended.</summary>
    public TimeSpan HalfCloseTimeout { get; init; } = TimeSpan.FromHours(1);

    public required FlowIds FlowIds { get; init; }

    public required SocketBudget Sockets { get; init; }

    /// <summary>Most connections at once of each inbound.</summary>
    public required int MaxConnections { get; init; }
}
