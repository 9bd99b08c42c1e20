using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// What happens when the other end breaks a rule: of one sub-connection, of the main connection, or of a budget. The receive loop's.
/// Methods that may end the main connection return whether it goes on.
/// </summary>
internal sealed class Violations(
    Lock gate, MainConnection connection, SessionContext context, OpenSessions sessions, ControlOutbox outbox, ILogger log)
{
    private readonly ILogger _log = log;
    private Budget _opens = NewBudget(context, context.Options.OpensPerSecond);
    private Budget _resets = NewBudget(context, context.Options.ResetsPerSecond);
    private Budget _controls = NewBudget(context, context.Options.ControlFramesPerSecond);

    public bool SpendOpen(long now) => _opens.TrySpend(now) || BudgetSpent(nameof(MuxOptions.OpensPerSecond));

    public bool SpendReset(long now) => _resets.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ResetsPerSecond));

    public bool SpendControl(long now) => _controls.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ControlFramesPerSecond));

    /// <summary>The other end broke a rule of the main connection.</summary>
    /// <returns><see langword="false"/>: it is over.</returns>
    public bool Violation(string message)
    {
        connection.Fail(MainConnectionEnd.ProtocolError, message);
        return false;
    }

    /// <summary>The other end broke the rules of one sub-connection: it ends with the code, its neighbours live on.</summary>
    public bool Abort(Session session, SessionViolation violation, long now)
    {
        _log.SessionViolation(session.Id, violation.Message);
        bool isAborted;
        lock (gate)
        {
            isAborted = session.State.IsAborted;
            if (isAborted && session.State.Complain(violation.Code) != SessionDue.None)
            {
                // Ended already, but the other end is owed a word on this frame.
                outbox.Add(session);
            }
        }

        if (isAborted)
        {
            connection.Wake();
        }
        else
        {
            context.Engine.Abort(session, new SessionException(violation.Code, violation.Message));
        }

        return SpendReset(now);
    }

    /// <summary>The same with 0003.</summary>
    public bool Abort(Session session, string message, long now)
        => Abort(session, new SessionViolation(ErrorCode.ProtocolError, message), now);

    /// <summary>Answers a New with an End; the id stays free, and what still comes for it is dropped.</summary>
    public bool Refuse(ushort id, SessionViolation violation)
    {
        _log.SessionRefused(id, violation.Code, violation.Message);
        lock (gate)
        {
            // What still comes for the id was answered with this.
            _ = sessions.TryAnswer(id);
        }

        return Answer(id, violation.Code, isOpen: true);
    }

    /// <summary>SPEC 6.3.3: payload of an id that was never opened or is long gone is answered at most once per id.</summary>
    public bool AnswerOnce(ushort id)
    {
        bool isFirst;
        lock (gate)
        {
            isFirst = sessions.TryAnswer(id);
        }

        return !isFirst || Answer(id, ErrorCode.ProtocolError, isOpen: false);
    }

    private static Budget NewBudget(SessionContext context, int perSecond)
        => new(perSecond, context.Time.TimestampFrequency, context.Now);

    private bool Answer(ushort id, ErrorCode code, bool isOpen)
    {
        int waiting;
        lock (gate)
        {
            waiting = outbox.Answer(id, code, isOpen);
        }

        connection.Wake();
        return waiting <= ControlOutbox.MaxAnswers
            || Violation($"The other end does not read the answers to {ControlOutbox.MaxAnswers} refused frames.");
    }

    private bool BudgetSpent(string budget)
    {
        connection.Fail(MainConnectionEnd.BudgetSpent, $"The other end spent its budget ({budget}).");
        return false;
    }
}
