using System.Threading.Channels;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Dispatch;

/// <summary>
/// A flow whose datagrams go by the rules one by one: each outbound that they take has a way of its own, opened when the first datagram
/// goes there. Ways that are lost with their main connection are opened again. One sender and one receiver.
/// </summary>
internal sealed class RoutedDatagramLink : DatagramLink
{
    /// <summary>Most ways where each destination has its own; then the one that was not used for longest goes.</summary>
    public const int MaxWays = 256;

    /// <summary>What an outbound has not repaired, or does not do, is not asked for with each datagram.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // What is remembered of destinations.
    private const int MaxRemembered = 1024;

    private readonly ISnapshots _snapshots;
    private readonly Action<Destination, Exception>? _onFailed;
    private readonly Channel<(DatagramWay Way, Datagram Datagram)> _received = Channel.CreateUnbounded<(DatagramWay, Datagram)>(
        new UnboundedChannelOptions { SingleReader = true });

    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly List<DatagramWay> _ways = [];
    private DatagramWay? _failed; // the last one that failed, and whether it was its outbound that does not work
    private bool _isOutboundDown;
    private long _failedAt;

    // The sender's.
    private readonly Dictionary<Destination, DatagramWay> _byDestination = [];
    private Snapshot? _snapshot;

    // The receiver's: the way whose datagram was given out last.
    private DatagramWay? _lent;

    /// <param name="dispatcher">Reaches destinations.</param>
    /// <param name="snapshots">Has the rules that count.</param>
    /// <param name="first">The first destination.</param>
    /// <param name="options">What its ways are opened with, where no rule says otherwise.</param>
    /// <param name="onFailed">Told why a destination was not reached; then the flow outlives its ways. Without it, it ends with the last
    /// one.</param>
    public RoutedDatagramLink(
        RoutedDispatcher dispatcher, ISnapshots snapshots, Destination first, DatagramOptions options,
        Action<Destination, Exception>? onFailed)
    {
        _snapshots = snapshots;
        _onFailed = onFailed;
        Dispatcher = dispatcher;
        Options = options;
        Destination = first;
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    public override long Dropped
    {
        get
        {
            lock (_gate)
            {
                return base.Dropped + _ways.Sum(static way => way.Dropped);
            }
        }
    }

    /// <summary>How many ways there are.</summary>
    public int Ways
    {
        get
        {
            lock (_gate)
            {
                return _ways.Count;
            }
        }
    }

    /// <summary>Cancelled when the link ends.</summary>
    internal CancellationToken Closing => _closing.Token;

    internal RoutedDispatcher Dispatcher { get; }

    internal TimeProvider TimeProvider => _snapshots.TimeProvider;

    /// <summary>What its ways are opened with, where no rule says otherwise.</summary>
    internal DatagramOptions Options { get; }

    /// <summary>Opens the way of the first destination.</summary>
    public async ValueTask OpenFirstAsync(CancellationToken cancellationToken)
    {
        DatagramWay? way = await FindAsync(Destination, cancellationToken);
        await way!.Opened.WaitAsync(cancellationToken);
    }

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        _lent?.Return();
        _lent = null;
        try
        {
            (_lent, Datagram datagram) = await _received.Reader.ReadAsync(cancellationToken);
            return datagram;
        }
        catch (ChannelClosedException exception)
        {
            return exception.InnerException is { } reason ? throw MuxFailure(reason) : null;
        }
    }

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination? address = null,
        CancellationToken cancellationToken = default)
    {
        Destination target = address ?? Destination;
        if (await FindAsync(target, cancellationToken) is { } way)
        {
            return await way.SendAsync(data, target, cancellationToken);
        }

        CountDropped();
        return false;
    }

    public override void Abort(Exception? reason = null) => Close(reason);

    public override async ValueTask DisposeAsync()
    {
        Close(null);
        await Task.WhenAll(AllWays().Select(static way => way.Ended));
    }

    /// <summary>Hands a datagram to the receiver; the way waits until it is used up.</summary>
    internal void OnReceived(DatagramWay way, Datagram datagram) => _received.Writer.TryWrite((way, datagram));

    /// <summary>A way has ended for good.</summary>
    internal void OnEnded(DatagramWay way, Exception? failure)
    {
        bool wasOnly;
        lock (_gate)
        {
            wasOnly = _ways.Remove(way) && _ways.Count == 0;
            CountDropped(way.Dropped);
            if (failure is not null)
            {
                (_failed, _isOutboundDown, _failedAt) = (way, failure is not SessionException, TimeProvider.GetTimestamp());
            }
        }

        if (failure is null)
        {
            return;
        }

        _onFailed?.Invoke(way.Target, failure);
        if (wasOnly && _onFailed is null)
        {
            // There is nothing else that could go on.
            _received.Writer.TryComplete(failure);
        }
    }

    private void Close(Exception? reason)
    {
        _received.Writer.TryComplete(reason);
        _closing.Cancel();
    }

    /// <summary>
    /// The way of a destination, opened where there is none, or <see langword="null"/> where it is not the time for that.
    /// </summary>
    private async ValueTask<DatagramWay?> FindAsync(Destination target, CancellationToken cancellationToken)
    {
        Snapshot snapshot = _snapshots.Current;
        if (snapshot != _snapshot || _byDestination.Count > MaxRemembered)
        {
            // Other rules count now; ways go on where they lead to the same outbound.
            _byDestination.Clear();
            _snapshot = snapshot;
        }

        if (_byDestination.TryGetValue(target, out DatagramWay? known) && !known.IsOver)
        {
            return known;
        }

        Route route = await Dispatcher.RouteAsync(snapshot, target, cancellationToken);
        IReadOnlyList<Outbound> outbounds = snapshot.OutboundsFor(route);
        DatagramWay? way = null;
        foreach (DatagramWay candidate in AllWays())
        {
            if (!candidate.IsOver && outbounds.Contains(candidate.Outbound) && await candidate.ServesAsync(target, cancellationToken))
            {
                way = candidate;
                break;
            }
        }

        way ??= TryAdd(target, outbounds[0]);
        if (way is not null)
        {
            _byDestination[target] = way;
        }

        return way;
    }

    private DatagramWay[] AllWays()
    {
        lock (_gate)
        {
            return [.. _ways];
        }
    }

    private DatagramWay? TryAdd(Destination target, Outbound expected)
    {
        DatagramWay? way = null;
        DatagramWay? oldest = null;
        lock (_gate)
        {
            bool isPaused = _failed is not null && TimeProvider.GetElapsedTime(_failedAt) < Pause
                && (_failed.Target.Equals(target) || (_isOutboundDown && _failed.Outbound == expected));
            if (!isPaused && !_closing.IsCancellationRequested)
            {
                oldest = _ways.Count < MaxWays ? null : _ways.MinBy(static other => other.LastUsed);
                way = new DatagramWay(this, target, expected);
                _ways.Add(way);
            }
        }

        oldest?.Close();
        way?.Start();
        return way;
    }

    private static Exception MuxFailure(Exception reason) => reason is MuxException
        ? reason : new SessionException(ErrorCode.RemoteDisconnect, reason.Message, reason);
}
