using System.Threading.Channels;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Outbounds;

/// <summary>
/// A flow whose datagrams go by the rules one by one: each outbound that they take has a way of its own, opened when the first datagram goes there. Ways
/// that are lost with their main connection are opened again.
/// </summary>
internal sealed class RoutedDatagramLink : DatagramLink
{
    // What is remembered of destinations, and how many ways there are where each destination has its own.
    private const int MaxRemembered = 1024;
    private const int MaxWays = 256;

    private readonly RoutedDispatcher _dispatcher;
    private readonly ISnapshots _snapshots;
    private readonly Channel<(DatagramWay Way, Datagram Datagram)> _received = Channel.CreateUnbounded<(DatagramWay, Datagram)>(
        new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly List<DatagramWay> _ways = []; // guarded by _gate

    // The sender's.
    private readonly Dictionary<Destination, DatagramWay> _byDestination = [];
    private Snapshot? _snapshot;

    // The receiver's: the way whose datagram was given out last.
    private DatagramWay? _lent;

    private RoutedDatagramLink(RoutedDispatcher dispatcher, ISnapshots snapshots, Destination first, DatagramOptions options)
    {
        _dispatcher = dispatcher;
        _snapshots = snapshots;
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

    /// <summary>Cancelled when the link ends.</summary>
    internal CancellationToken Closing => _closing.Token;

    internal RoutedDispatcher Dispatcher => _dispatcher;

    internal ISnapshots Snapshots => _snapshots;

    /// <summary>What its ways are opened with, where no rule says otherwise.</summary>
    internal DatagramOptions Options { get; }

    /// <summary>Opens a flow and the way of its first destination.</summary>
    public static async ValueTask<DatagramLink> OpenAsync(
        RoutedDispatcher dispatcher, ISnapshots snapshots, Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        var link = new RoutedDatagramLink(dispatcher, snapshots, first, options);
        try
        {
            DatagramWay way = await link.FindAsync(first, cancellationToken);
            await way.Opened.WaitAsync(cancellationToken);
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
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

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        Destination target = address ?? Destination;
        try
        {
            DatagramWay way = await FindAsync(target, cancellationToken);
            return await way.SendAsync(data, target, cancellationToken);
        }
        catch (SessionException)
        {
            // No rule lets it through: as a datagram that no router takes.
            CountDropped();
            return false;
        }
    }

    public override void Abort(Exception? reason = null) => Close(reason);

    public override ValueTask DisposeAsync()
    {
        Close(null);
        return ValueTask.CompletedTask;
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
        }

        if (wasOnly && failure is not null)
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

    private async ValueTask<DatagramWay> FindAsync(Destination target, CancellationToken cancellationToken)
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

        Route route = await _dispatcher.RouteAsync(snapshot, target, cancellationToken);
        IReadOnlyList<Outbound> outbounds = snapshot.OutboundsFor(route);
        DatagramWay? way = null;
        foreach (DatagramWay candidate in Ways())
        {
            if (!candidate.IsOver && outbounds.Contains(candidate.Outbound) && await candidate.ServesAsync(target, cancellationToken))
            {
                way = candidate;
                break;
            }
        }

        way ??= Add(target, outbounds[0]);
        _byDestination[target] = way;
        return way;
    }

    private DatagramWay[] Ways()
    {
        lock (_gate)
        {
            return [.. _ways];
        }
    }

    private DatagramWay Add(Destination target, Outbound expected)
    {
        var way = new DatagramWay(this, target, expected);
        DatagramWay? oldest = null;
        lock (_gate)
        {
            if (_ways.Count >= MaxWays)
            {
                oldest = _ways.MinBy(static other => other.LastUsed);
            }

            _ways.Add(way);
        }

        oldest?.Close();
        way.Start();
        return way;
    }

    private static Exception MuxFailure(Exception reason) => reason is MuxException
        ? reason : new SessionException(ErrorCode.RemoteDisconnect, reason.Message, reason);
}
