using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>
/// The clock of a main connection. At each tick it asks <see cref="PeerWatch"/> whether the other end is alive, and looks at the
/// sub-connections whose time may be up: at all of them at once, and only while there is one of the kind.
/// </summary>
internal sealed class Clock(
    Lock gate, MainConnection connection, SessionContext context, Transport transport, OpenSessions sessions, FrameCutter cutter,
    ControlOutbox outbox, PeerWatch watch)
{
    private static readonly TimeSpan ShortestTick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan IdleWindow = TimeSpan.FromSeconds(5);

    // SPEC 6.3.6: a prototype's sender gives up after 30 s without credit.
    private static readonly TimeSpan TrickleInterval = TimeSpan.FromSeconds(20);

    private readonly MuxOptions _options = context.Options;
    private ITimer? _timer;

    // Guarded by the gate.
    private LifeSign _takes;
    private long _windowsLookedAt;
    private long _creditLookedAt;

    /// <summary>Starts to tick.</summary>
    public void Start()
    {
        TimeSpan period = TickPeriod();
        _timer = context.Time.CreateTimer(static state => ((Clock)state!).OnTick(), this, period, period);
    }

    /// <summary>
    /// SPEC 5: a server sends nothing after its answer until the first frame of the client is in, unless the private version was chosen.
    /// SPEC 9: Mux.Cool's peers need no sign of life, and not all take one. Under the gate.
    /// </summary>
    /// <param name="hasSpoken">Whether the first frame behind the negotiation is in.</param>
    public void AllowLifeSigns(bool hasSpoken) => _takes = context.Dialect switch
    {
        Dialect.MuxCool => LifeSign.None,
        Dialect.Private => LifeSign.Ping,
        _ => hasSpoken || context.IsClient ? LifeSign.KeepAlive : LifeSign.None,
    };

    /// <summary>Stops; no tick is under way any more when it is done.</summary>
    public ValueTask StopAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void OnTick()
    {
        long now = context.Now;
        TcpFigures tcp = transport.Look();
        PeerVerdict verdict;
        List<Session>? late = null;
        bool isDue = false;
        int dropped = 0;
        lock (gate)
        {
            verdict = watch.Decide(now, new PeerFigures(
                tcp, tcp.BytesAcknowledged + transport.BytesTaken, context.Version is not null, _takes, sessions.Active > 0));
            switch (verdict.Action)
            {
                case PeerAction.Ping:
                    outbox.SendPing();
                    break;
                case PeerAction.KeepAlive:
                    outbox.SendKeepAlive();
                    break;
            }

            if (verdict.Action is not (PeerAction.Fail or PeerAction.Close))
            {
                isDue = LookAtSessions(now, ref late) | cutter.WaitingFlows.GiveUp(cutter, out dropped);
            }
        }

        if (verdict.Action is PeerAction.Fail)
        {
            connection.Fail(verdict.Reason, verdict.Message);
            return;
        }

        if (verdict.Action is PeerAction.Close)
        {
            connection.FailClosed();
            return;
        }

        foreach (Session session in late ?? [])
        {
            EndLate(session);
        }

        for (; dropped > 0; dropped--)
        {
            context.Engine.OnDropped(isSent: true);
        }

        if (isDue || verdict.Action != PeerAction.Nothing)
        {
            connection.Wake();
        }
    }

    private void EndLate(Session session)
    {
        // To an end that reads no more, the other end is gone; to one that waits for it, it is late.
        ErrorCode code = session.Receiver.IsCompleted ? ErrorCode.RemoteDisconnect : ErrorCode.OperationTimeout;
        string what = session.State.EndReceived ? "no credit for too long after the other end's end"
            : "no byte for too long after its own end";
        context.Engine.Abort(session, new SessionException(code, $"Session {session.Id} to {session.Destination} got {what}."));
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    /// <summary>Looks once at all sub-connections, where there may be one whose time is up.</summary>
    /// <returns>Whether there is something to send.</returns>
    private bool LookAtSessions(long now, ref List<Session>? late)
    {
        bool areLingering = sessions.Lingering > 0;
        bool areStuck = context.Dialect.GivesUpWithoutCredit && sessions.Answering > 0;
        bool areAnswersAwaited = context.Dialect.EndsBothDirections && context.IsClient;
        bool areWindowsDue = context.WindowBudget.IsShort && IsDue(ref _windowsLookedAt, IdleWindow, now);
        bool isCreditDue = context.Dialect.GivesUpWithoutCredit && IsDue(ref _creditLookedAt, TrickleInterval, now);
        if (!areLingering && !areStuck && !areAnswersAwaited && !areWindowsDue && !isCreditDue)
        {
            return false;
        }

        bool isDue = false;
        long idleSince = now - Timestamps.From(IdleWindow, context.Time.TimestampFrequency);
        foreach (Session session in sessions)
        {
            if ((areLingering && IsLate(session, now)) || (areStuck && IsStuck(session, now)))
            {
                (late ??= []).Add(session);
            }

            if (areAnswersAwaited)
            {
                isDue |= GiveUpAnswer(session, now);
            }

            if (areWindowsDue)
            {
                session.ReturnUnusedCredit(idleSince);
            }

            if (isCreditDue && session.State.MayGrant && session.TrickleCredit())
            {
                cutter.Add(session, SessionDue.Grant);
                isDue = true;
            }
        }

        return isDue;
    }

    private bool IsLate(Session session, long now)
    {
        if (!session.State.IsLingering || !watch.IsLate(now, session.LastReceived, PatienceWith(session)))
        {
            return false;
        }

        if (session.Receiver.HasUnread)
        {
            // The application takes its time, and the other end may have no credit left: the silence is ours.
            session.LastReceived = now;
            return false;
        }

        return true;
    }

    private Patience PatienceWith(Session session)
        => !session.Receiver.IsCompleted ? context.Dialect == Dialect.Private ? Patience.Long : Patience.Short
            : outbox.GoesAway ? Patience.None
            : Patience.Short;

    /// <summary>
    /// SPEC 6.3.4: in 0.0 and 0.1 an end that has sent its End grants no more, so that who has no credit left by then may have to wait for
    /// ever.
    /// </summary>
    private bool IsStuck(Session session, long now)
    {
        if (session.State.IsAnswering && (session.Credit.Available > 0 || session.Sender.Length == 0))
        {
            session.LastReceived = now;
        }

        return session.State.IsAnswering && watch.IsLate(now, session.LastReceived, Patience.Short);
    }

    /// <summary>SPEC 9: an End that waits for an answer does not wait for ever.</summary>
    private bool GiveUpAnswer(Session session, long now)
    {
        if (session.State is not { IsComplete: true, MaySend: true } || session.Sender.Length > 0
            || !session.Receiver.IsAnswerRead || session.Receiver.HasUnread || !watch.IsLate(now, session.LastReceived, Patience.Short))
        {
            return false;
        }

        cutter.Add(session, session.State.GiveUpAnswer());
        return true;
    }

    /// <summary>Whether it is time for what is done now and then, for all sub-connections at once.</summary>
    private bool IsDue(ref long last, TimeSpan interval, long now)
    {
        if (context.Time.GetElapsedTime(last, now) < interval)
        {
            return false;
        }

        last = now;
        return true;
    }

    private TimeSpan TickPeriod()
    {
        TimeSpan shortest = _options.HandshakeTimeout;
        foreach (TimeSpan timeout in (ReadOnlySpan<TimeSpan>)[
            _options.KeepAliveInterval, _options.WriteTimeout, _options.SilenceTimeout, _options.LingerTimeout,
            _options.LingerTimeoutBefore, _options.PingInterval, _options.PingTimeout])
        {
            if (timeout != Timeout.InfiniteTimeSpan && timeout < shortest)
            {
                shortest = timeout;
            }
        }

        TimeSpan period = shortest / 4;
        return period > PeerWatch.LongestTick ? PeerWatch.LongestTick : period < ShortestTick ? ShortestTick : period;
    }
}
