using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>One relay of datagrams at work.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The idle timer may still reach for the token source, which has no timer of its own.")]
internal sealed class DatagramRelayRun
{
    // After so many datagrams others have a turn on this thread, also where more wait.
    private const int Turn = 256;

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Direction _forward;
    private readonly Direction _backward;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private (DatagramRelayEnd End, RelaySide? Side, Exception? Error)? _end; // guarded by _gate
    private ITimer? _idle;
    private long _last; // when a datagram came

    public DatagramRelayRun(DatagramLink first, DatagramLink second, TimeSpan idleTimeout, TimeProvider time)
    {
        _forward = new Direction(first, second, RelaySide.First, RelaySide.Second);
        _backward = new Direction(second, first, RelaySide.Second, RelaySide.First);
        _idleTimeout = idleTimeout;
        _time = GuardedTime.Over(time);
    }

    public async Task<DatagramRelayResult> RunAsync(CancellationToken cancellationToken)
    {
        _last = _time.GetTimestamp();
        _idle = _time.CreateTimer(
            static run => ((DatagramRelayRun)run!).OnIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _idle.Change(_idleTimeout, Timeout.InfiniteTimeSpan);
        await using (_idle.ConfigureAwait(false))
        await using (cancellationToken.UnsafeRegister(OnCancelled, this).ConfigureAwait(false))
        {
            Task there = CopyAsync(_forward);
            Task back = CopyAsync(_backward);
            await there.ConfigureAwait(false);
            await back.ConfigureAwait(false);
        }

        (DatagramRelayEnd end, RelaySide? side, Exception? error) = _end!.Value;
        return new DatagramRelayResult(_forward.Datagrams, _forward.Bytes, _backward.Datagrams, _backward.Bytes, end, side, error);
    }

    private static void OnCancelled(object? run, CancellationToken cancellationToken)
        => ((DatagramRelayRun)run!).Stop(DatagramRelayEnd.Cancelled, null, new OperationCanceledException(cancellationToken));

    private async Task CopyAsync(Direction direction)
    {
        // Datagrams that wait already must not keep the other direction from starting.
        await Yield();
        RelaySide busy = direction.Source;
        try
        {
            while (await direction.From.ReceiveAsync(_stop.Token).ConfigureAwait(false) is { } datagram)
            {
                Volatile.Write(ref _last, _time.GetTimestamp());
                busy = direction.Target;
                if (await direction.To.SendAsync(datagram.Data, datagram.Address, _stop.Token).ConfigureAwait(false))
                {
                    direction.Count(datagram.Data.Length);
                }

                busy = direction.Source;
                if (direction.Datagrams % Turn == 0)
                {
                    await Yield();
                }
            }

            Stop(DatagramRelayEnd.Done, busy, null);
        }
        catch (Exception exception)
        {
            Stop(DatagramRelayEnd.Failed, busy, exception);
        }
    }

    private static ConfiguredTaskAwaitable Yield() => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    /// <summary>The timer is not set for each datagram: it looks when the last one came, and waits for the rest.</summary>
    private void OnIdle()
    {
        TimeSpan left = _idleTimeout - _time.GetElapsedTime(Volatile.Read(ref _last));
        if (left <= TimeSpan.Zero)
        {
            Stop(DatagramRelayEnd.Idle, null, null);
        }
        else
        {
            _idle!.Change(left, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Stops both directions. What comes first is the cause, all else its consequence.</summary>
    private void Stop(DatagramRelayEnd end, RelaySide? side, Exception? error)
    {
        lock (_gate)
        {
            if (_end is not null)
            {
                return;
            }

            _end = (end, side, error);
        }

        // On the pool: the callbacks are the flows' code.
        _ = _stop.CancelAsync();
    }

    private sealed class Direction(DatagramLink from, DatagramLink to, RelaySide source, RelaySide target)
    {
        public DatagramLink From => from;

        public DatagramLink To => to;

        public RelaySide Source => source;

        public RelaySide Target => target;

        public long Datagrams { get; private set; }

        public long Bytes { get; private set; }

        public void Count(int bytes)
        {
            Datagrams++;
            Bytes += bytes;
        }
    }
}
