using MuxPro.Core;
using MuxPro.Diagnostics;

namespace MuxPro.Engine;

/// <content>Start and end.</content>
internal sealed partial class MainConnection
{
    // How long the last bytes may take when this end closes in order, and how long the other end may take to close too.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private KeepAlive _keepAlive;
    private bool _retired;
    private bool _ordered; // the other end closed in order: no reset is owed to it
    private long _closeDeadline;
    private bool _closeAsked; // by the other end, with a GoAway
    private long _roundTripTicks;
    private long _sendStarted;
    private long _waitingSince;

    private async Task RunAsync()
    {
        _waitingSince = _lastTick = Now;
        bool counted = _metrics.ConnectionOpened(_isClient);
        ITimer timer = _time.CreateTimer(static state => ((MainConnection)state!).OnTick(), this, TickPeriod(), TickPeriod());
        try
        {
            await Task.WhenAll(ReceiveLoopAsync(), SendLoopAsync()).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Neither loop throws what the outside can cause; if one does, it is a bug, and the others must not hang on it.
            _log.LoopFailed(exception);
            Fail(MainConnectionEnd.TransportFailed, "The main connection failed inside.", exception);
        }
        finally
        {
            await timer.DisposeAsync().ConfigureAwait(false);
            _paceTimer?.Dispose();
            await DisposeTransportAsync().ConfigureAwait(false);
            _batch.Clear();
            MainConnectionException failure = Failure!;
            if (counted)
            {
                _metrics.ConnectionEnded(_isClient, failure.Reason, _time.GetElapsedTime(_started));
            }

            _log.MainConnectionEnded(RemoteEndPoint, failure.Reason, failure.Message);
            _completion.SetResult();
        }
    }

    private async Task DisposeTransportAsync()
    {
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _log.TransportCloseFailed(exception);
        }
    }

    private void UncountLocked(Session session)
    {
        if (!session.IsCounted)
        {
            return;
        }

        session.IsCounted = false;
        _active--;
        if (_retired && _active == 0)
        {
            BeginCloseLocked();
        }
    }

    private void BeginCloseLocked()
    {
        if (!_closing)
        {
            _closing = true;
            _closeAsked = _goAwayReceived && _active == 0;
            _closeDeadline = Now + ToTimestamps(CloseTimeout);
        }
    }

    /// <summary>How an orderly close ends. One that a GoAway asked for is the other end's, whichever end is the first to close the transport.</summary>
    private MainConnectionException Closed() => _closeAsked
        ? new MainConnectionException(MainConnectionEnd.ClosedByPeer, "The other end went away, and nothing was open any more.")
        : new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection was closed.");

    /// <summary>Ends the main connection and all its sub-connections; the first reason wins.</summary>
    private void Fail(MainConnectionEnd reason, string message, Exception? exception = null, bool ordered = false)
    {
        var failure = new MainConnectionException(reason, message, exception);
        var sessions = new List<Session>();
        var wakeups = new List<Wakeups>();
        bool sending;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return;
            }

            // Between our own orderly close and the other end's, whatever happens is the end of that close.
            if (_closeSent && reason is MainConnectionEnd.TransportFailed or MainConnectionEnd.ClosedByPeer or MainConnectionEnd.Timeout && _closing)
            {
                failure = Closed();
            }

            _failure = failure;
            sending = _sendStarted != 0;
            _ordered = ordered && !sending;
            _sessions.CopyTo(sessions);
            foreach (Session session in sessions)
            {
                if (!session.IsAborted)
                {
                    bool dropped = failure.Reason == MainConnectionEnd.ClosedLocally;
                    ErrorCode code = reason == MainConnectionEnd.Timeout ? ErrorCode.OperationTimeout : ErrorCode.RemoteDisconnect;
                    wakeups.Add(AbortLocked(session, code, failure, dropped));
                }

                RemoveLocked(session);
            }
        }

        _ = _negotiated.TrySetException(MuxErrors.Copy(failure));
        _ = _negotiated.Task.Exception; // nobody has to look
        if (!_ordered)
        {
            _transport.Abort();
        }

        foreach (Wakeups wakeup in wakeups)
        {
            wakeup.Run();
        }

        _sendSignal.Set();
    }
}
