using System.Text;
using MuxPro.Diagnostics;
using MuxPro.Protocol;

namespace MuxPro.Engine;

/// <content>What only the private version has (SPEC 8): open results, ping, GoAway and limits.</content>
internal sealed partial class MainConnection
{
    // An other end that does not read its answers gets no more than so many.
    private const int MaxPongs = 64;

    // Guarded by _gate.
    private readonly Queue<ulong> _pongs = new();
    private bool _limitsDue;
    private bool _limitsReceived;
    private bool _pingDue;
    private ulong _pingToken;
    private long _pingSent; // 0 while none is unanswered
    private long _lastPing;
    private (ErrorCode Code, string Text)? _goAwayDue;
    private bool _goAwaySent;
    private bool _goAwayReceived;
    private ushort _lastTaken; // server: the last id that a New came with

    private long _lastReceived; // written by the receive loop
    private long _awake; // since when the clock has been running without a gap

    /// <summary>What the other end takes.</summary>
    public PeerLimits PeerLimits { get; private set; } = new();

    /// <summary>A server's session has reached its target.</summary>
    public void ConfirmOpened(Session session)
    {
        lock (_gate)
        {
            if (!session.IsOpenedDue || session.OpenedPending || session.IsAborted || session.EndSent)
            {
                return;
            }

            session.OpenedPending = true;
            EnqueueControlLocked(session);
        }

        _sendSignal.Set();
    }

    /// <summary>
    /// Asks the client to open nothing more here, and closes when the last sub-connection has ended. Before the private version nobody is asked: what is
    /// opened meanwhile is served.
    /// </summary>
    public void GoAway(ErrorCode code, string text)
    {
        lock (_gate)
        {
            if (_retired || _closing || _failure is not null)
            {
                return;
            }

            _retired = true;
            if (_isPrivate)
            {
                _goAwayDue = (code, text);
            }

            if (_active == 0)
            {
                BeginCloseLocked();
            }
        }

        _sendSignal.Set();
    }

    // ---- receive ----------------------------------------------------------------------------------------------------------

    private bool OnKeepAlive(in Frame frame, long now)
    {
        if (!SpendControl(now))
        {
            return false;
        }

        if (frame.Options == FrameOptions.Ping)
        {
            lock (_gate)
            {
                if (_pongs.Count == MaxPongs)
                {
                    return true;
                }

                _pongs.Enqueue(frame.Token);
            }

            _sendSignal.Set();
        }
        else if (frame.Options == FrameOptions.Pong)
        {
            lock (_gate)
            {
                if (_pingSent == 0 || frame.Token != _pingToken)
                {
                    return true;
                }

                if (!_kernelMeasures)
                {
                    Volatile.Write(ref _roundTripTicks, Math.Max(1, now - _pingSent));
                }

                _pingSent = 0;
            }
        }

        return true;
    }

    private bool OnLimits(in Frame frame)
    {
        lock (_gate)
        {
            if (_limitsReceived)
            {
                // SPEC 8: "each end may send one". Each costs a look at all sub-connections.
                return true;
            }

            _limitsReceived = true;

            // SPEC 8: the first credit is that of the Limits for sub-connections that were opened before they came, too.
            int more = -PeerLimits.InitialWindow;
            PeerLimits = PeerLimits.Read(frame.Data);
            more += PeerLimits.InitialWindow;
            if (more > 0)
            {
                _scan.Clear();
                _sessions.CopyTo(_scan);
                foreach (Session session in _scan)
                {
                    GrantLocked(session, (uint)more);
                }

                _scan.Clear();
            }
        }

        _sendSignal.Set();
        return true;
    }

    private bool OnGoAway(in Frame frame)
    {
        if (_goAwayReceived)
        {
            // What was opened later than it said is over already, and nothing is opened any more.
            return true;
        }

        string text = Printable(Encoding.UTF8.GetString(frame.Data));
        _log.GoAwayReceived(RemoteEndPoint, frame.ErrorCode, text);
        var error = new MainConnectionException(
            MainConnectionEnd.GoingAway, $"The other end goes away and did not start this sub-connection: {text} ({MuxErrors.Describe(frame.ErrorCode)}).");
        var wakeups = new List<Wakeups>();
        lock (_gate)
        {
            _goAwayReceived = true;
            _retired = true;
            if (_isClient)
            {
                _scan.Clear();
                _sessions.CopyTo(_scan);
                foreach (Session session in _scan)
                {
                    // SPEC 8: "later ones are not started and may be opened elsewhere". Ids come round again: one that was heard of is no later one.
                    if (!session.IsStarted && _sessions.IsAfter(session.Id, frame.Id))
                    {
                        wakeups.Add(AbortLocked(session, ErrorCode.RemoteDisconnect, error, drop: true));
                        RemoveLocked(session);
                    }
                }

                _scan.Clear();
            }

            if (_active == 0)
            {
                BeginCloseLocked();
            }
        }

        foreach (Wakeups wakeup in wakeups)
        {
            wakeup.Run();
        }

        _sendSignal.Set();
        return true;
    }

    /// <summary>What the other end writes goes into logs and messages of one line.</summary>
    private static string Printable(string text) => string.Concat(text.Select(static character => char.IsControl(character) ? ' ' : character));

    // ---- cut, under the gate ----------------------------------------------------------------------------------------------

    private void WritePrivate()
    {
        if (_limitsDue)
        {
            _limitsDue = false;
            PeerLimits ours = OwnLimits;
            if (ours != new PeerLimits())
            {
                FrameWriter.WriteLimits(_batch, ours);
            }
        }

        while (_pongs.TryDequeue(out ulong token))
        {
            FrameWriter.WritePong(_batch, token);
        }

        if (_pingDue)
        {
            _pingDue = false;
            _pingSent = _lastPing = Now;
            FrameWriter.WritePing(_batch, ++_pingToken);
        }

        if (_goAwayDue is var (code, text))
        {
            _goAwayDue = null;
            _goAwaySent = true;
            FrameWriter.WriteGoAway(_batch, _lastTaken, code, text);
        }
    }

    private PeerLimits OwnLimits => new()
    {
        MaxSessions = _isClient ? ushort.MaxValue : Options.MaxSessions,
        InitialWindow = Options.InitialWindow,
        MaxDatagram = Options.MaxDatagram,
    };

    /// <summary>SPEC 8: OPENED is the first word of the server on a sub-connection.</summary>
    private void WriteOpened(Session session)
    {
        if (session.IsOpenedDue)
        {
            session.IsOpenedDue = session.OpenedPending = false;
            FrameWriter.WriteOpened(_batch, session.Id);
        }
    }

    // ---- clock ------------------------------------------------------------------------------------------------------------

    private void CheckPing(long now)
    {
        // A process that was stopped, or had no processor, has not looked at what came meanwhile.
        if (_time.GetElapsedTime(_lastTick, now) > LongestTick * 3)
        {
            _awake = now;
        }

        if (!_isPrivate || Options.PingInterval == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        long heard = Math.Max(Volatile.Read(ref _lastReceived), _awake);
        lock (_gate)
        {
            if (_pingSent == 0)
            {
                bool isQuiet = _active > 0 && now - Math.Max(heard, _lastPing) >= ToTimestamps(Options.PingInterval);
                bool isUnknown = RoundTripTicks == 0 && _maySend;
                _pingDue |= isQuiet || isUnknown;
                if (_pingDue)
                {
                    _sendSignal.Set();
                }

                return;
            }

            // SPEC 8: "no answer within 10 s ends the main connection". While other bytes come, the answer is only late.
            if (now - Math.Max(heard, _pingSent) < ToTimestamps(Options.PingTimeout))
            {
                return;
            }
        }

        Fail(MainConnectionEnd.Timeout, $"The other end answered no ping for {Options.PingTimeout.TotalSeconds} s.");
    }
}
