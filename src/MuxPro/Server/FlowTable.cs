using System.Diagnostics.CodeAnalysis;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>
/// The flows of datagrams that have a GlobalID (SPEC 7.2): a sub-connection with a known one takes over the flow of the earlier one, which
/// ends, up to 60 s after that was lost. Safe to use from many threads.
/// </summary>
public sealed class FlowTable
{
    /// <summary>SPEC 7.2: "for up to 60 s after that one was lost".</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private readonly TimeProvider _time;
    private readonly int _maxParked;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly Dictionary<(string Peer, ulong GlobalId), Flow> _flows = [];
    private readonly Dictionary<string, LinkedList<Flow>> _parked = []; // by peer, the oldest first
    private int _parkedCount;

    /// <summary>Makes an empty table.</summary>
    /// <param name="timeProvider">The clock; the default is <see cref="TimeProvider.System"/>.</param>
    /// <param name="maxParked">
    /// Most flows that wait for their next sub-connection; beyond it the oldest one ends of the peer that has the most. The default is
    /// 4,096.
    /// </param>
    public FlowTable(TimeProvider? timeProvider = null, int maxParked = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxParked);
        _time = GuardedTime.Over(timeProvider ?? TimeProvider.System);
        _maxParked = maxParked;
    }

    /// <summary>Flows with a GlobalID, those that wait for their next sub-connection included.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _flows.Count;
            }
        }
    }

    /// <summary>Flows that wait for their next sub-connection.</summary>
    public int Parked
    {
        get
        {
            lock (_gate)
            {
                return _parkedCount;
            }
        }
    }

    /// <summary>Takes the place of a flow; an earlier holder ends first.</summary>
    /// <param name="peer">Whose flow.</param>
    /// <param name="globalId">Its GlobalID, not 0.</param>
    /// <returns>The lease, to be given back with <see cref="Lease.Release"/>.</returns>
    internal async ValueTask<Lease> AcquireAsync(string peer, ulong globalId)
    {
        Lease lease;
        Lease? earlier;
        lock (_gate)
        {
            (string, ulong) key = (peer, globalId);
            if (!_flows.TryGetValue(key, out Flow? flow))
            {
                _flows[key] = flow = new Flow(key);
            }

            Unpark(flow);
            earlier = flow.Holder;
            flow.Holder = lease = new Lease(this, flow);
        }

        if (earlier is not null)
        {
            await earlier.RevokeAsync().ConfigureAwait(false);
        }

        return lease;
    }

    private DatagramLink? Release(Flow flow, Lease lease, DatagramLink? link, bool isLost)
    {
        DatagramLink? surplus = null;
        lock (_gate)
        {
            flow.Link = link;
            if (flow.Holder != lease)
            {
                // The next one has it.
                return null;
            }

            flow.Holder = null;
            if (!isLost || link is null || _maxParked == 0)
            {
                _flows.Remove(flow.Key);
                return link;
            }

            if (_parkedCount == _maxParked)
            {
                // Nobody's flows are at the mercy of another peer's.
                surplus = Remove(_parked.Values.MaxBy(static flows => flows.Count)!.First!.Value);
            }

            LinkedListNode<Flow> place = Park(flow);
            flow.Timer = _time.CreateTimer(state => Expire((LinkedListNode<Flow>)state!), place, Lifetime, Timeout.InfiniteTimeSpan);
        }

        return surplus;
    }

    private void Expire(LinkedListNode<Flow> place)
    {
        DatagramLink? link = null;
        lock (_gate)
        {
            // It may have been continued, and parked anew, just before.
            if (place.List is not null)
            {
                link = Remove(place.Value);
            }
        }

        _ = link?.TryDisposeAsync().AsTask();
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private DatagramLink? Remove(Flow flow)
    {
        Unpark(flow);
        _flows.Remove(flow.Key);
        return flow.Link;
    }

    private LinkedListNode<Flow> Park(Flow flow)
    {
        if (!_parked.TryGetValue(flow.Key.Peer, out LinkedList<Flow>? flows))
        {
            _parked[flow.Key.Peer] = flows = [];
        }

        _parkedCount++;
        return flow.Parked = flows.AddLast(flow);
    }

    private void Unpark(Flow flow)
    {
        if (flow.Parked is { List: { } flows })
        {
            flows.Remove(flow.Parked);
            if (flows.Count == 0)
            {
                _parked.Remove(flow.Key.Peer);
            }

            _parkedCount--;
            flow.Parked = null;
            flow.Timer?.Dispose();
            flow.Timer = null;
        }
    }

    /// <summary>The right of one sub-connection to a flow, until it is given back or revoked by the next one.</summary>
    [SuppressMessage(
        "Design", "CA1001", Justification = "Revoked at any time, also when it was given back; without a timer the source holds nothing.")]
    internal sealed class Lease
    {
        private readonly FlowTable _table;
        private readonly Flow _flow;
        private readonly CancellationTokenSource _revoked = new();
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Lease(FlowTable table, Flow flow)
        {
            _table = table;
            _flow = flow;
        }

        /// <summary>The link of the earlier sub-connection, or <see langword="null"/> where there was none.</summary>
        public DatagramLink? Link => _flow.Link;

        /// <summary>Cancelled when the next sub-connection wants the flow.</summary>
        public CancellationToken Revoked => _revoked.Token;

        /// <summary>Gives the flow back.</summary>
        /// <param name="link">The link, or <see langword="null"/> where there is none.</param>
        /// <param name="isLost">Whether the sub-connection was lost with its main connection, so that the flow may be continued.</param>
        /// <returns>A link that nobody needs any more: the caller disposes it.</returns>
        public DatagramLink? Release(DatagramLink? link, bool isLost)
        {
            DatagramLink? surplus = _table.Release(_flow, this, link, isLost);
            _released.SetResult();
            return surplus;
        }

        /// <summary>Ends the lease and waits until it is given back.</summary>
        internal async Task RevokeAsync()
        {
            await _revoked.CancelAsync().ConfigureAwait(false);
            await _released.Task.ConfigureAwait(false);
        }
    }

    internal sealed class Flow((string Peer, ulong GlobalId) key)
    {
        public (string Peer, ulong GlobalId) Key => key;

        public Lease? Holder { get; set; }

        public DatagramLink? Link { get; set; }

        public LinkedListNode<Flow>? Parked { get; set; }

        public ITimer? Timer { get; set; }
    }
}
