using MuxPro.Proxy.Configuration;

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

    /// <param name="tag">Its name.</param>
    /// <param name="mux">What the configuration says of the multiplexer.</param>
    /// <param name="servers">How to reach the servers, in the order in which they are tried.</param>
    /// <param name="below">What goes without the multiplexer goes there; <see langword="null"/> where there is nothing below.</param>
    /// <param name="context">What outbounds have in common.</param>
    public MuxOutbound(
        string tag, MuxConfiguration mux, IReadOnlyList<(string Name, Func<CancellationToken, ValueTask<Link>> Dial)> servers, Outbound? below,
        OutboundContext context)
        : base(tag, context.TimeProvider)
    {
        _mux = mux;
        _below = below;
        _time = context.TimeProvider;
        MuxOptions options = context.MuxOptions with { Protocol = mux.Protocol == MuxProtocolName.MuxCool ? MuxProtocols.MuxCool : MuxProtocols.MuxPro };
        ClientStrategy strategy = new()
        {
            MaxConcurrency = mux.Concurrency > 0 ? mux.Concurrency : DefaultConcurrency,
            MaxConnection = mux.MaxConnection,
        };
        _manager = new ClientManager(
            MakePool(strategy), mux.XudpConcurrency <= 0 ? null : MakePool(strategy with { MaxConcurrency = mux.XudpConcurrency }));

        IncrementalWorkerPicker MakePool(ClientStrategy limits)
        {
            (string, IClientWorkerFactory)[] workers =
                [.. servers.Select(server => (server.Name, (IClientWorkerFactory)new DialingWorkerFactory(server.Dial, limits, options)))];
            return new IncrementalWorkerPicker(workers is [(_, var only)] ? only : new FailoverWorkerFactory(workers));
        }
    }

    /// <summary>On top of an outbound: main connections are connections to the special address (SPEC 7.1).</summary>
    public static MuxOutbound OnTopOf(Outbound below, MuxConfiguration mux, OutboundContext context)
    {
        Destination special = mux.Protocol == MuxProtocolName.MuxCool ? Destination.MuxCool : Destination.MuxPro;
        return new MuxOutbound(
            below.Tag, mux, [(below.Tag, cancellationToken => below.DispatchAsync(special, Session.DefaultPriority, cancellationToken))], below, context);
    }

    public override async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => _mux.Concurrency < 0 && _below is not null
            ? await _below.DispatchAsync(destination, priority, cancellationToken)
            : await _manager.ConnectAsync(destination, priority, cancellationToken);

    public override async ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
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
        }

        if (_below is not null)
        {
            await _below.DisposeAsync();
        }
    }
}
