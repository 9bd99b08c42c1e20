using MuxPro.Diagnostics;

namespace MuxPro.Engine;

/// <content>What happens when the other end breaks a rule: of one sub-connection, of the main connection, or of a budget.</content>
internal sealed partial class MainConnection
{
    /// <summary>The other end broke the rules of one sub-connection: it ends with 0003, its neighbours live on.</summary>
    private void AbortByProtocol(Session session, string message, ErrorCode code = ErrorCode.ProtocolError)
    {
        _log.SessionViolation(session.Id, message);
        bool aborted;
        lock (_gate)
        {
            aborted = session.IsAborted;
            if (aborted && !session.EndReceived)
            {
                // Ended already, but the other end is owed a word on this frame.
                session.PendingAbort = code;
                EnqueueControlLocked(session);
            }
        }

        if (aborted)
        {
            _sendSignal.Set();
        }
        else
        {
            Abort(session, code, new SessionException(code, message));
        }
    }

    private string WhyNotReceived(ErrorCode code) => code == ErrorCode.ProtocolError
        ? "More data than credit (SPEC 6.3.6)."
        : $"More than {Options.MaxBuffered} bytes wait unread on the main connection ({nameof(MuxOptions.MaxBuffered)}).";

    /// <summary>Answers a New with an End; the id stays free, and what still comes for it is dropped.</summary>
    private bool Refuse(ushort id, ErrorCode code, string message)
    {
        _log.SessionRefused(id, code, message);
        return Answer(id, code, always: true);
    }

    /// <summary>Answers a frame of an id that no session holds; Keeps only once per id.</summary>
    private bool Answer(ushort id, ErrorCode code, bool always)
    {
        int waiting;
        lock (_gate)
        {
            if (!_sessions.TryAnswer(id) && !always)
            {
                return true;
            }

            _answers.Enqueue((id, code));
            waiting = _answers.Count;
        }

        _sendSignal.Set();
        return waiting <= MaxAnswers || Violation($"The other end does not read the answers to {MaxAnswers} refused frames.");
    }

    private bool SpendControl(long now) => _controls.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ControlFramesPerSecond));

    private bool SpendReset(long now) => _resets.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ResetsPerSecond));

    private bool BudgetSpent(string budget)
    {
        Fail(MainConnectionEnd.BudgetSpent, $"The other end spent its budget ({budget}).");
        return false;
    }

    private bool Violation(string message)
    {
        Fail(MainConnectionEnd.ProtocolError, message);
        return false;
    }
}
