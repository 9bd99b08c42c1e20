using MuxPro.Transports;

namespace MuxPro.Engine;

/// <content>The clock: what a tick looks at, and what is to end because its time is up.</content>
internal sealed partial class MainConnection
{
    private static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan ShortestTick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan IdleWindow = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainLinger = TimeSpan.FromSeconds(1);

    private readonly List<Session> _scan = [];
    private bool _kernelMeasures; // the round-trip time
    private long _windowsLookedAt;
    private long _sendTaken;
    private long _lastTick;
    private long _retransmissionsAnswered;
    private long _sendMoved;

    private void OnTick()
    {
        long now = Now;
        CheckNegotiation(now);
        TcpFigures figures = _transport.Look();
        CheckPing(now);
        CheckSilence(now, figures);
        CheckSend(now, figures.BytesAcknowledged + _transport.BytesTaken);
        CheckClose(now);
        CheckLinger(now);
        CheckCoolLinger(now);
        CheckDatagrams();
        CheckWindows(now);
        Measure(figures);
        lock (_gate)
        {
            // SPEC 5: a server sends nothing after its answer until the first frame of the client is in.
            // SPEC 9: Mux.Cool's peers need no sign of life, and not all take one.
            if (_version is null || IsMuxCool || !_maySend || !_keepAlive.IsDue(now))
            {
                return;
            }

            // In the private version the sign of life asks for one.
            _keepAliveDue = !_isPrivate;
            _pingDue |= _isPrivate && _pingSent == 0;
        }

        _sendSignal.Set();
    }

    private void Measure(TcpFigures figures)
    {
        if (figures.RoundTripTime > TimeSpan.Zero)
        {
            _kernelMeasures = true;
            Volatile.Write(ref _roundTripTicks, ToTimestamps(figures.RoundTripTime));
        }
    }

    private void CheckNegotiation(long now)
    {
        // SPEC 5: no answer within the handshake timeout closes the main connection.
        if (_version is null && now - _started >= ToTimestamps(Options.HandshakeTimeout))
        {
            Fail(MainConnectionEnd.NegotiationFailed, $"The other end did not negotiate within {Options.HandshakeTimeout.TotalSeconds} s.");
        }
    }

    /// <summary>
    /// A host that is gone answers nothing, however often the kernel asks again. One that is merely slow, or whose process does not read, answers: only
    /// the time without an answer is no proof, because the kernel asks less and less often.
    /// </summary>
    private void CheckSilence(long now, TcpFigures figures)
    {
        const int Asked = 2;
        if (figures.SinceAcknowledgement <= _time.GetElapsedTime(_lastTick, now))
        {
            _retransmissionsAnswered = figures.Retransmissions;
        }

        _lastTick = now;
        long unanswered = Math.Max(figures.Probes, figures.Retransmissions - _retransmissionsAnswered);
        if (unanswered < Asked)
        {
            _waitingSince = now;
            return;
        }

        // What was asked before was not asked at once: the time since the last answer counts, but no time before something was sent.
        TimeSpan silence = figures.SinceAcknowledgement;
        if (Options.SilenceTimeout != Timeout.InfiniteTimeSpan && silence >= Options.SilenceTimeout
            && _time.GetElapsedTime(_waitingSince, now) >= Options.SilenceTimeout * 0.75)
        {
            Fail(MainConnectionEnd.Timeout, $"The other end's host acknowledged nothing for {Options.SilenceTimeout.TotalSeconds} s.");
        }
    }

    private void CheckSend(long now, long taken)
    {
        if (Options.WriteTimeout == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        lock (_gate)
        {
            if (_sendStarted == 0)
            {
                return;
            }
        }

        // Slow is not dead: what counts is when the other end last took something.
        if (taken != _sendTaken)
        {
            _sendTaken = taken;
            _sendMoved = now;
        }

        lock (_gate)
        {
            if (_sendStarted == 0 || now - Math.Max(_sendStarted, _sendMoved) < ToTimestamps(Options.WriteTimeout))
            {
                return;
            }
        }

        Fail(MainConnectionEnd.Timeout, $"The other end took no bytes for {Options.WriteTimeout.TotalSeconds} s.");
    }

    private void CheckClose(long now)
    {
        MainConnectionException closed;
        lock (_gate)
        {
            if (!_closing || now < _closeDeadline)
            {
                return;
            }

            closed = Closed();
        }

        Fail(closed.Reason, closed.Message);
    }

    /// <summary>While windows are short, those that idle give back what they can.</summary>
    private void CheckWindows(long now)
    {
        if (!WindowBudget.IsShort || _time.GetElapsedTime(_windowsLookedAt, now) < IdleWindow)
        {
            return;
        }

        _windowsLookedAt = now;
        lock (_gate)
        {
            _scan.Clear();
            _sessions.CopyTo(_scan);
            foreach (Session session in _scan)
            {
                session.ReturnUnusedCredit(now - ToTimestamps(IdleWindow));
            }

            _scan.Clear();
        }
    }

    /// <summary>SPEC 6.3.4: after its own End an end goes on delivering what comes for as long as bytes come, at most 30 s without one.</summary>
    private void CheckLinger(long now)
    {
        List<Session>? late = null;
        lock (_gate)
        {
            if (_lingering == 0)
            {
                return;
            }

            _scan.Clear();
            _sessions.CopyTo(_scan);
            foreach (Session session in _scan)
            {
                if (session is not { EndSent: true, EndReceived: false, IsAborted: false })
                {
                    continue;
                }

                // A drain does not wait for an other end that keeps open what nobody here reads any more.
                TimeSpan linger = _goAwaySent && session.Receiver.IsCompleted ? DrainLinger : Options.LingerTimeout;
                if (now - session.LastReceived < ToTimestamps(linger))
                {
                    continue;
                }

                if (session.Receiver.HasUnread)
                {
                    // The application takes its time, and the other end may have no credit left: the silence is ours.
                    session.LastReceived = now;
                }
                else
                {
                    (late ??= []).Add(session);
                }
            }

            _scan.Clear();
        }

        foreach (Session session in late ?? [])
        {
            // To an end that reads no more, the other end is gone; to one that waits for it, it is late.
            ErrorCode code = session.Receiver.IsCompleted ? ErrorCode.RemoteDisconnect : ErrorCode.OperationTimeout;
            Abort(session, code, new SessionException(
                code, $"Session {session.Id} to {session.Destination} got no byte for too long after its own end."));
        }
    }

    private TimeSpan TickPeriod()
    {
        TimeSpan shortest = Options.HandshakeTimeout;
        foreach (TimeSpan timeout in (ReadOnlySpan<TimeSpan>)[
            Options.KeepAliveInterval, Options.WriteTimeout, Options.SilenceTimeout, Options.LingerTimeout, Options.PingInterval,
            Options.PingTimeout])
        {
            if (timeout != Timeout.InfiniteTimeSpan && timeout < shortest)
            {
                shortest = timeout;
            }
        }

        TimeSpan period = shortest / 4;
        return period > LongestTick ? LongestTick : period < ShortestTick ? ShortestTick : period;
    }

    private long ToTimestamps(TimeSpan time)
        => time == Timeout.InfiniteTimeSpan ? -1 : (long)(time.TotalSeconds * _time.TimestampFrequency);
}
