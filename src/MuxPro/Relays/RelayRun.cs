using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>One relay at work: two directions and how they end together.</summary>
/// <remarks>
/// Memory of a pipe belongs to the direction that got it until that direction is out of its call; so pipes are aborted only after both
/// directions have stopped, and the token is what stops them. Streams may be closed under a call, and are, at once.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "RunAsync disposes what it makes, before it returns.")]
internal sealed partial class RelayRun(Link first, Link second, TimeSpan halfCloseTimeout, TimeProvider time)
{
    // How long nothing may move of what was said before a failure, where the failure alone does not end it.
    private static readonly TimeSpan LastWordTimeout = TimeSpan.FromSeconds(1);

    private readonly RelayDirection _forward = new(first, second);
    private readonly RelayDirection _backward = new(second, first);
    private readonly Lock _gate = new();
    private CancellationTokenSource _stop = null!; // from RunAsync on
    private Exception? _error; // guarded by _gate
    private RelaySide? _failedSide; // guarded by _gate
    private bool _isCut; // a link took no more; guarded by _gate
    private bool _firstRead; // all of it; guarded by _gate
    private bool _secondRead; // guarded by _gate
    private bool _isLost; // one side ended, and nothing comes of the rest; guarded by _gate
    private HalfClose? _halfClose;
    private HalfClose? _lastWord; // guarded by _gate
    private bool _isOver; // both directions are out; guarded by _gate

    public async Task<RelayResult> RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // A relay may idle for days, and there are very many: what is told of an abort is this object, and nothing made for it.
        using (stop.Token.UnsafeRegister(static run => ((RelayRun)run!).AbortStreams(), this))
        using (Watch(first, static run => ((RelayRun)run!).OnAborted(RelaySide.First)))
        using (Watch(second, static run => ((RelayRun)run!).OnAborted(RelaySide.Second)))
        {
            Task there = RunDirectionAsync(_forward, _backward, isForward: true, cancellationToken);
            Task back = RunDirectionAsync(_backward, _forward, isForward: false, cancellationToken);
            await there.ConfigureAwait(false);
            await back.ConfigureAwait(false);
            _halfClose?.Dispose();
            HalfClose? lastWord;
            lock (_gate)
            {
                (_isOver, lastWord) = (true, _lastWord);
            }

            lastWord?.Dispose();
        }

        // Both directions are out, nothing runs beside this any more.
        bool stopped = stop.IsCancellationRequested;
        if (stopped)
        {
            Record(new OperationCanceledException(cancellationToken), side: null);
        }

        await EndAsync(first, MustAbort(first, stopped)).ConfigureAwait(false);
        await EndAsync(second, MustAbort(second, stopped)).ConfigureAwait(false);
        return new RelayResult(_forward.Bytes, _backward.Bytes, _error, _failedSide);
    }

    /// <summary>
    /// SPEC 6.3.4: an End with a code resets the target, also one that takes no bytes, so that nobody is reading the session.
    /// </summary>
    private CancellationTokenRegistration Watch(Link link, Action<object?> onAborted)
        => link is Session session ? session.Aborted.UnsafeRegister(onAborted, this) : default;

    private void OnAborted(RelaySide side)
    {
        var session = (Session)(side == RelaySide.First ? first : second);
        if (session.Context.Engine.Failure is not null)
        {
            // When the main connection is gone, what arrived before may still be delivered.
            EndIfGone(side);
            return;
        }

        ErrorCode code = session.EndCode ?? ErrorCode.RemoteDisconnect;
        Record(new SessionException(code, $"Session {session.Id} to {session.Destination} was aborted: {code}."), side);
        bool isRead;
        lock (_gate)
        {
            isRead = side == RelaySide.First ? _firstRead : _secondRead;
        }

        if (isRead)
        {
            _stop.Cancel();
        }
        else
        {
            // What it said before is still delivered; its reader then finds the reset by itself.
            WaitForLastWord(side == RelaySide.First ? _forward : _backward);
        }
    }

    /// <summary>
    /// Ends the other link when a session's main connection is gone and all that it had received is delivered: nobody waits for an answer,
    /// and nothing else would tell a target that says nothing.
    /// </summary>
    private void EndIfGone(RelaySide side)
    {
        (Link link, Link other) = side == RelaySide.First ? (first, second) : (second, first);
        lock (_gate)
        {
            bool read = side == RelaySide.First ? _firstRead : _secondRead;
            if (!read || link is not Session { Context.Engine.Failure: not null, Aborted.IsCancellationRequested: true })
            {
                return;
            }
        }

        Record(new SessionException(ErrorCode.RemoteDisconnect, "The main connection is gone."), side);
        if (other is StreamLink)
        {
            // In order, not with a reset: what was delivered may still be on its way.
            _ = EndAsync(other, abort: false).AsTask();
        }
        else
        {
            _stop.Cancel();
        }
    }

    /// <summary>One side has ended its direction: from here on nobody reads it, so that somebody has to look whether it is there.</summary>
    private void WatchHalfClose(RelaySide ended, RelayDirection open)
    {
        lock (_gate)
        {
            if (_firstRead && _secondRead)
            {
                return;
            }
        }

        Socket? socket = ((ended == RelaySide.First ? first : second) as StreamLink)?.Socket;
        if (socket is not null || halfCloseTimeout != Timeout.InfiniteTimeSpan)
        {
            _halfClose = new HalfClose(socket, open, halfCloseTimeout, time, reason => OnLost(ended, reason));
        }
    }

    /// <summary>Ends the relay when a direction does not move any more.</summary>
    private void WaitForLastWord(RelayDirection direction)
    {
        var watch = new HalfClose(null, direction, LastWordTimeout, time, reason => Stop());
        lock (_gate)
        {
            if (_lastWord is null && !_isOver)
            {
                _lastWord = watch;
                return;
            }
        }

        watch.Dispose();
    }

    /// <summary>Ends both links in order, not with a reset: what was said before may still be on its way.</summary>
    private void OnLost(RelaySide ended, Exception reason)
    {
        Record(reason, ended);
        lock (_gate)
        {
            _isLost = true;
        }

        if (first is StreamLink)
        {
            _ = EndAsync(first, abort: false).AsTask();
        }

        if (second is StreamLink)
        {
            _ = EndAsync(second, abort: false).AsTask();
        }

        Stop();
    }

    /// <summary>Stops both directions, from a timer.</summary>
    private void Stop()
    {
        try
        {
            // On the pool: what a timer throws ends the process, and the callbacks are the links' code.
            _ = _stop.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The relay ended while its timer was at work.
        }
    }

    private async Task RunDirectionAsync(
        RelayDirection direction, RelayDirection other, bool isForward, CancellationToken cancellationToken)
    {
        (RelaySide source, RelaySide target) = isForward ? (RelaySide.First, RelaySide.Second) : (RelaySide.Second, RelaySide.First);
        try
        {
            if (await direction.CopyAsync(_stop.Token).ConfigureAwait(false))
            {
                await direction.CompleteAsync().ConfigureAwait(false);
            }
            else
            {
                // The reader is gone, but its other half may still have something to say: only this direction is over.
                Record(new SessionException(ErrorCode.RemoteDisconnect, "The other side does not read any more."), target);
            }

            lock (_gate)
            {
                _firstRead |= isForward;
                _secondRead |= !isForward;
            }

            EndIfGone(source);
            WatchHalfClose(source, other);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            Record(new OperationCanceledException(cancellationToken), side: null);
        }
        catch (IOException exception) when (direction.IsWriting && !_stop.IsCancellationRequested)
        {
            // Its other end has closed. What that said before can still be read, and the reset travels after it.
            Record(exception, target);
            bool isRead;
            lock (_gate)
            {
                _isCut = true;
                isRead = isForward ? _secondRead : _firstRead;
            }

            if (!isRead && !IsSocket(isForward ? second : first))
            {
                // A socket ends by itself; of others nobody knows.
                WaitForLastWord(other);
            }
        }
        catch (Exception exception)
        {
            Record(exception, direction.IsWriting ? target : source);

            // Who watches the token may throw; both links are ended all the same.
            await _stop.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool IsSocket(Link link) => link is StreamLink stream && stream.AsStream() is NetworkStream;

    private void Record(Exception error, RelaySide? side)
    {
        lock (_gate)
        {
            if (_error is null)
            {
                (_error, _failedSide) = (error, side);
            }
        }
    }
}
