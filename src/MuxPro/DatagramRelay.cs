namespace MuxPro;

/// <summary>Joins two flows of datagrams: what one end sends, the other gets, with its address.</summary>
internal sealed class DatagramRelay
{
    private readonly DatagramLink _first;
    private readonly DatagramLink _second;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private long _last;

    private DatagramRelay(DatagramLink first, DatagramLink second, TimeSpan idleTimeout, TimeProvider time)
    {
        _first = first;
        _second = second;
        _idleTimeout = idleTimeout;
        _time = time;
        _last = time.GetTimestamp();
    }

    /// <summary>Copies two flows into each other until either ends or fails, nothing has come from both for a while, or it is cancelled. Disposes neither.</summary>
    /// <param name="first">One flow.</param>
    /// <param name="second">The other flow.</param>
    /// <param name="idleTimeout">How long both may say nothing.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the relay.</param>
    /// <returns>How many bytes were taken which way, and what failed, if anything did. The task does not fail.</returns>
    public static Task<RelayResult> RunAsync(
        DatagramLink first, DatagramLink second, TimeSpan idleTimeout, TimeProvider time, CancellationToken cancellationToken)
        => new DatagramRelay(first, second, idleTimeout, time).RunAsync(cancellationToken);

    private async Task<RelayResult> RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<Direction> there = CopyAsync(_first, _second, stop);
        Task<Direction> back = CopyAsync(_second, _first, stop);
        ITimer? timer = null;
        if (_idleTimeout != Timeout.InfiniteTimeSpan)
        {
            timer = _time.CreateTimer(_ => CheckIdle(timer, stop), null, _idleTimeout, Timeout.InfiniteTimeSpan);
        }

        Direction forward = await there.ConfigureAwait(false);
        Direction backward = await back.ConfigureAwait(false);
        if (timer is not null)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        RelaySide? failed = forward.Failed ?? Other(backward.Failed);
        return new RelayResult(forward.Bytes, backward.Bytes, forward.Error ?? backward.Error, failed);
    }

    /// <summary>One timer for as long as the relay runs: datagrams only write down when they came.</summary>
    private void CheckIdle(ITimer? timer, CancellationTokenSource stop)
    {
        TimeSpan left = _idleTimeout - _time.GetElapsedTime(Volatile.Read(ref _last));
        try
        {
            if (left <= TimeSpan.Zero)
            {
                stop.Cancel();
            }
            else
            {
                timer?.Change(left, Timeout.InfiniteTimeSpan);
            }
        }
        catch (ObjectDisposedException)
        {
            // Over meanwhile.
        }
    }

    private async Task<Direction> CopyAsync(DatagramLink from, DatagramLink to, CancellationTokenSource stop)
    {
        long bytes = 0;
        bool isWriting = false;
        try
        {
            while (await from.ReceiveAsync(stop.Token).ConfigureAwait(false) is { } datagram)
            {
                Volatile.Write(ref _last, _time.GetTimestamp());
                isWriting = true;
                if (await to.SendAsync(datagram.Data, datagram.Address, stop.Token).ConfigureAwait(false))
                {
                    bytes += datagram.Data.Length;
                }

                isWriting = false;
            }

            return new Direction(bytes, null, null);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new Direction(bytes, null, null);
        }
        catch (Exception exception)
        {
            return new Direction(bytes, exception, isWriting ? RelaySide.Second : RelaySide.First);
        }
        finally
        {
            // A flow that ended is over in both directions: there is no half of it.
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private static RelaySide? Other(RelaySide? side) => side switch
    {
        RelaySide.First => RelaySide.Second,
        RelaySide.Second => RelaySide.First,
        _ => null,
    };

    /// <param name="Bytes">What was taken.</param>
    /// <param name="Error">What failed.</param>
    /// <param name="Failed">The source (first) or the target (second) of this direction.</param>
    private readonly record struct Direction(long Bytes, Exception? Error, RelaySide? Failed);
}
