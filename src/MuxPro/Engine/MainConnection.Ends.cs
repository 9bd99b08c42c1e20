using MuxPro.Protocol;

namespace MuxPro.Engine;

/// <content>What End and CreditUpdate do (SPEC 6.3.4 and 6.3.6).</content>
internal sealed partial class MainConnection
{
    private bool OnEnd(in Frame frame, long now)
    {
        Wakeups? wakeups = null;
        lock (_gate)
        {
            if (_sessions[frame.Id] is { } session
                && (!session.EndReceived || (frame.ErrorCode != ErrorCode.GracefulShutdown && !session.IsAborted)))
            {
                wakeups = OnEndLocked(session, frame.ErrorCode, frame.Detail);
            }
        }

        if (wakeups is null)
        {
            // SPEC 6.3.4: expect an End twice, and for ids that were never opened.
            return SpendControl(now);
        }

        wakeups.Value.Run();
        _sendSignal.Set();
        return frame.ErrorCode == ErrorCode.GracefulShutdown || SpendReset(now);
    }

    private Wakeups OnEndLocked(Session session, ErrorCode code, FailureDetail detail)
    {
        if (IsMuxCool)
        {
            return OnCoolEndLocked(session, code);
        }

        if (session.EndSent && !session.IsAborted && !session.EndReceived)
        {
            _lingering--;
        }

        session.EndReceived = true;
        session.SetEndCode(code);
        Wakeups wakeups;
        if (session.IsAborted)
        {
            wakeups = default;
        }
        else if (code == ErrorCode.GracefulShutdown)
        {
            session.IsStarted = true;
            wakeups = new Wakeups(
                session, session.Receiver.End(error: null), Writer: false, IsOver: session.EndSent, IsAborted: false, IsOpened: true);
        }
        else
        {
            // SPEC 6.3.4: with a code it is over in both directions at once; what came before is still read.
            var error = new SessionException(
                code, $"The other end ended session {session.Id} to {session.Destination}: {MuxErrors.Describe(code)} ({(ushort)code:x4}).")
            { IsRemote = true, Detail = detail };
            wakeups = AbortLocked(session, code, error, drop: false);
            EnqueueControlLocked(session);
        }

        if (session.EndSent)
        {
            RemoveLocked(session);
        }

        return wakeups;
    }

    private bool OnCreditUpdate(in Frame frame, long now)
    {
        if (!SpendControl(now))
        {
            return false;
        }

        Session? session;
        lock (_gate)
        {
            session = _sessions[frame.Id];
            if (session is null || session.IsAborted)
            {
                // SPEC 6.3.6: for an unknown id it is ignored.
                return true;
            }

            if (!frame.HasFault)
            {
                GrantLocked(session, frame.Credit);
            }
        }

        if (frame.HasFault)
        {
            AbortByProtocol(session, frame.Fault.ToString());
            return SpendReset(now);
        }

        _sendSignal.Set();
        return true;
    }

    private void GrantLocked(Session session, uint increment)
    {
        session.Credit.Grant(increment);
        if (!session.NewPending && !session.EndSent && !session.IsAborted && session.Sender.Length > 0)
        {
            EnqueueDataLocked(session);
        }
    }
}
