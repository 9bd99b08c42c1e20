using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Over main connections: to servers of its own, or through the outbound that it is on top of.</summary>
internal sealed class MuxOutbound : Outbound
{
    private const int DefaultConcurrency = 8;
    private const int QuicPort = 443;

    // The other end may not take the last word.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly ClientManager _manager;
    private readonly MuxConfiguration _mux;
    private readonly Outbound? _below;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="tag">Its name.</param>
    /// <param name="mux">What the configuration says of the multiplexer.</param>
    /// <param name="servers">Makes main connections to the servers within limits, in the order in which they are tried.</param>
    /// <param name="below">What goes without the multiplexer goes there; <see langword="null"/> where there is nothing below.</param>
    /// <param name="context">What outbounds have in common.</param>
    private MuxOutbound(
        string tag, MuxConfiguration mux,
            IReadOnlyList<(string Name, Func<ClientStrategy, MuxOptions, IClientWorkerFactory> Create)> servers, Outbound? below,
        OutboundContext context)
        : base(tag, context.TimeProvider)
    {
        _mux = mux;
        _below = below;
        _time = context.TimeProvider;
        _logger = context.LoggerFactory.CreateLogger("MuxPro.Proxy.Outbound");
        MuxOptions options = context.MuxOptions with
        {
            Protocol = mux.Protocol == MuxProtocolName.MuxCool ? MuxProtocols.MuxCool : MuxProtocols.MuxPro,
            Versions = mux.Versions.ToVersions(),
        };
        ClientStrategy strategy = new()
        {
            MaxConcurrency = mux.Concurrency > 0 ? mux.Concurrency : DefaultConcurrency,
            MaxConnection = mux.MaxConnection,
            MaxAge = mux.MaxAge > 0 ? TimeSpan.FromSeconds(mux.MaxAge) : Timeout.InfiniteTimeSpan,
            MaxIdle = mux.MaxIdle > 0 ? TimeSpan.FromSeconds(mux.MaxIdle) : Timeout.InfiniteTimeSpan,
            MaxBytes = mux.MaxBytes.Bytes,
        };
        _manager = new ClientManager(
            MakePool(strategy), mux.XudpConcurrency <= 0 ? null : MakePool(strategy with { MaxConcurrency = mux.XudpConcurrency }));

        WorkerPool MakePool(ClientStrategy limits)
        {
            (string, IClientWorkerFactory)[] workers = [.. servers.Select(server => (server.Name, server.Create(limits, options)))];
            IClientWorkerFactory all = workers is [(_, var only)] ? only : new FailoverWorkerFactory(workers);
            return mux.Picker == MuxPicker.LeastLoaded ? new LeastLoadedWorkerPicker(all) : new IncrementalWorkerPicker(all);
        }
    }

    /// <summary>To servers of its own; the first that takes a main connection gets it.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public static MuxOutbound OverServers(
        OutboundConfiguration configuration, IReadOnlyList<MuxServerConfiguration> servers, OutboundContext context,
            Func<Outbound>? through)
    {
        return new MuxOutbound(configuration.Tag, configuration.Mux, [.. servers.Select(Make)], below: null, context);

        (string, Func<ClientStrategy, MuxOptions, IClientWorkerFactory>) Make(MuxServerConfiguration server)
        {
            OutboundTransport transport = OutboundFactory.CreateTransport(configuration, server, configuration.Mux.Protocol, through,
                context);
            return (transport.Name, (limits, options) => new ReportingWorkerFactory(transport, limits, options));
        }
    }

    /// <summary>On top of an outbound: main connections are connections to the special address (SPEC 7.1).</summary>
    public static MuxOutbound OnTopOf(Outbound below, MuxConfiguration mux, OutboundContext context)
    {
        Destination special = mux.Protocol == MuxProtocolName.MuxCool ? Destination.MuxCool : Destination.MuxPro;
        return new MuxOutbound(
            below.Tag, mux,
            [
                (below.Tag, (limits, options) => new DialingWorkerFactory(
                    cancellationToken => below.DispatchAsync(special, Session.DefaultPriority, cancellationToken), limits, options)),
            ],
            below, context);
    }

    public override async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => _mux.Concurrency < 0 && _below is not null
            ? await _below.DispatchAsync(destination, priority, cancellationToken)
            : await _manager.ConnectAsync(destination, priority, cancellationToken);

    public override async ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options,
        CancellationToken cancellationToken)
    {
        bool isQuic = first.Port == QuicPort && _mux.XudpProxyUDP443 != XudpProxyUdp443.Allow;
        if (isQuic && _mux.XudpProxyUDP443 == XudpProxyUdp443.Reject)
        {
            throw new SessionException(ErrorCode.ProxyRejected, $"{first} is refused by outbound '{Tag}' ('xudpProxyUDP443' is 'reject').");
        }

        return (isQuic || _mux.XudpConcurrency < 0) && _below is not null
            ? await _below.OpenFlowAsync(first, options, cancellationToken)
            : await _manager.OpenDatagramsAsync(first, options, cancellationToken);
    }

    protected override async ValueTask CloseAsync()
    {
        try
        {
            await _manager.DisposeAsync().AsTask().WaitAsync(StopTimeout, _time);
        }
        catch (TimeoutException)
        {
            // It closes when the other end lets it.
            _logger.ManagerStoppedEarly();
        }

        if (_below is not null)
        {
            await _below.DisposeAsync();
        }
    }
}
