using System.Diagnostics;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// Cuts frames out of the sessions into a batch, when the transport can take more: control ahead of data, because credit would wait
/// behind the bulk that it is to release; then who is next in line, as far as its credit goes. All of it runs under the gate.
/// </summary>
internal sealed partial class FrameCutter(SessionContext context, OpenSessions sessions, ControlOutbox outbox, Action onPaced)
{
    // A first payload of up to so many bytes goes with the New, ahead of other data: it is what the target needs to answer.
    private const int MaxFirstPayload = 4 * 1024;

    // Where so many wait a frame is enough of a turn, and first windows last for longer than a turn.
    private const int VeryMany = 256;

    private readonly SendQueue<Session> _ready = new();
    private readonly List<Session> _writers = [];
    private readonly List<Session> _over = [];
    private PriorityPace _pace = new(context.Time.TimestampFrequency);
    private ITimer? _paceTimer; // lets go what was held back

    /// <summary>Those that would be at their end, but for datagrams that wait for credit.</summary>
    public WaitingFlows WaitingFlows { get; } = new();

    /// <summary>What was cut.</summary>
    public SendBatch Batch { get; } = new();

    /// <summary>Whether nobody waits for a turn.</summary>
    public bool IsIdle => _ready.Count == 0;

    /// <summary>Whether more waits than went into the batch.</summary>
    public bool HasMore => _ready.Count > 0 || outbox.HasMore;

    /// <summary>Puts a session with bytes in line.</summary>
    /// <param name="session">The session.</param>
    /// <param name="isLittle">Whether it had nothing to send for a while, and has little now.</param>
    public void Add(Session session, bool isLittle = false)
    {
        if (!session.InSendQueue)
        {
            session.InSendQueue = true;
            _ready.Enqueue(session, isLittle);
        }
    }

    /// <summary>Puts a session in line for what a transition says is due.</summary>
    public void Add(Session session, SessionDue due)
    {
        if ((due & SessionDue.Data) != 0)
        {
            Add(session);
        }

        if ((due & SessionDue.Control) != 0)
        {
            outbox.Add(session);
        }
    }

    /// <summary>The other end granted credit.</summary>
    public void Grant(Session session, uint increment)
    {
        session.Credit.Grant(increment);
        if (session.State.MaySend && session.Sender.Length > 0)
        {
            Add(session);
        }
    }

    /// <summary>Fills the batch until it is full or nobody may send.</summary>
    public void Cut()
    {
        // SPEC 5: until the answer is in, a client sends nothing else.
        outbox.WriteNegotiation(Batch);
        if (context.Version is null)
        {
            return;
        }

        outbox.WriteOwn(Batch);
        while (Batch.HasRoom && outbox.TryTake(out Session? session))
        {
            CutControl(session);
        }

        CutData();
    }

    /// <summary>Tells those about it whose bytes were taken, and those that came to their end. The send loop's, without a lock.</summary>
    public void TellSessions()
    {
        foreach (Session session in _writers)
        {
            session.Sender.Wake();
        }

        _writers.Clear();
        foreach (Session session in _over)
        {
            // SPEC 9: in Mux.Cool our End was the end of both directions.
            if (context.Dialect.EndsBothDirections && session.Receiver.End(error: null))
            {
                session.Receiver.Wake();
            }

            session.SetOver(aborted: false);
        }

        _over.Clear();
    }

    /// <summary>Nothing is cut any more.</summary>
    public void Stop() => _paceTimer?.Dispose();

    private void CutControl(Session session)
    {
        bool hasUnsent = !session.State.IsComplete || session.Sender.Length > 0;
        SessionDue due = session.State.Due(hasUnsent, IsAnswerRead(session));
        if ((due & SessionDue.New) != 0)
        {
            CutNew(session);
            return;
        }

        if ((due & SessionDue.Opened) != 0)
        {
            CutOpened(session);
        }

        if ((due & SessionDue.Grant) != 0 && session.TakeGrant() is > 0 and var grant)
        {
            FrameWriter.WriteCreditUpdate(Batch, session.Id, (uint)grant);
        }

        if ((due & SessionDue.End) != 0)
        {
            CutEnd(session);
        }
        else if (!hasUnsent)
        {
            WaitForAnswer(session);
        }
    }

    private void CutNew(Session session)
    {
        session.State.OnNewSent();
        int count = session.Sender.FirstPayload(Math.Min(MaxFirstPayload, session.Credit.Available));
        ulong globalId = session.Sender.GlobalId;
        if (context.Dialect == Dialect.MuxCool)
        {
            FrameWriter.WriteCoolNew(Batch, session.Id, session.Destination, count);
        }
        else
        {
            FrameWriter.WriteNewHead(Batch, session.Id, session.Destination, session.Priority, globalId, count);
        }

        if (count >= 0)
        {
            session.Credit.Take(count);
            AfterData(session, session.Sender.MoveFirst(Batch, count));
        }
        else
        {
            AfterData(session, session.Sender.Length == 0 ? CutResult.IsEmpty : CutResult.None);
        }
    }

    /// <summary>SPEC 8: OPENED is the first word of the server on a sub-connection.</summary>
    private void CutOpened(Session session)
    {
        if (session.State.TakeOpened())
        {
            FrameWriter.WriteOpened(Batch, session.Id);
        }
    }

    // ---- data -------------------------------------------------------------------------------------------------------------

    private void CutData()
    {
        long now = _ready.Count > 0 ? context.Now : 0;
        while (Batch.HasRoom && _ready.Dequeue(_pace.LowestAllowed(now)) is { } session)
        {
            int before = Batch.Length;
            session.InSendQueue = false;
            CutData(session);
            Debug.Assert(!session.InSendQueue || Batch.Length > before, "Who gets nothing out of its turn gets no other one.");
            _pace.OnSent(session.Priority, Batch.Length - before, now);
        }

        if (Batch.IsEmpty && _ready.Count > 0)
        {
            // Held back for the sake of a higher priority: what is next is a matter of time.
            _paceTimer ??= context.Time.CreateTimer(
                static state => ((Action)state!)(), onPaced, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _paceTimer.Change(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    private void CutData(Session session)
    {
        if (!session.State.MaySend)
        {
            return;
        }

        CutOpened(session);
        CutResult result = session.Sender.Cut(Batch, ref session.Credit, context.MaxFramePayload, isOneFrame: _ready.Count >= VeryMany);
        AfterData(session, result);
    }

    private void AfterData(Session session, CutResult result)
    {
        if ((result & CutResult.Wake) != 0)
        {
            _writers.Add(session);
        }

        if ((result & CutResult.IsEmpty) == 0)
        {
            if ((result & CutResult.MayGiveUp) == 0)
            {
                if (session.Credit.Available > 0)
                {
                    Add(session);
                }
            }
            else if (session.State.IsComplete)
            {
                WaitingFlows.Add(session);
            }
        }
        else if (session.State.MayEnd(IsAnswerRead(session)))
        {
            CutEnd(session);
        }
        else if (session.State.IsComplete)
        {
            WaitForAnswer(session);
        }
    }
}
