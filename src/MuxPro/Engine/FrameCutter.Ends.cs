using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Engine;

/// <content>The last frames of a sub-connection (SPEC 6.3.4).</content>
internal sealed partial class FrameCutter
{
    private void CutEnd(Session session)
    {
        SessionState before = session.State;
        if (before is { IsAborted: false, EndSent: false })
        {
            CutOpened(session);
            CutLastGrant(session);
        }

        ErrorCode code = session.State.TakeEnd();
        if (code != ErrorCode.GracefulShutdown && context.Dialect.FreesWriters && before is { EndSent: false, EndReceived: false })
        {
            FrameWriter.WriteCreditUpdate(Batch, session.Id, ControlOutbox.FreeingCredit);
        }

        if (context.Dialect == Dialect.MuxCool)
        {
            FrameWriter.WriteCoolEnd(Batch, session.Id, isError: code != ErrorCode.GracefulShutdown);
        }
        else
        {
            FrameWriter.WriteEnd(
                Batch, session.Id, code, context.Dialect == Dialect.Private ? session.State.Detail : FailureDetail.None);
        }

        if (session.State.IsOver)
        {
            session.SetEndCode(code);
            _over.Add(session);
        }
        else if (session.State.IsLingering && !before.EndSent)
        {
            session.LastReceived = context.Now;
        }

        sessions.Settle(session, before);
    }

    /// <summary>SPEC 6.3.4: after an End there is no granting in 0.0 and 0.1, so what the answer may need is granted before it.</summary>
    private void CutLastGrant(Session session)
    {
        if (!session.State.MayGrant || context.Dialect.GrantsAfterEnd)
        {
            return;
        }

        if (!context.Dialect.GrantsBeforeEnd(context.IsClient))
        {
            session.StopCredit();
        }
        else if (session.TakeLastGrant() is > 0 and var grant)
        {
            FrameWriter.WriteCreditUpdate(Batch, session.Id, (uint)grant);
        }
    }

    private bool IsAnswerRead(Session session) => context.Dialect.EndsBothDirections && session.Receiver.IsAnswerRead;

    /// <summary>SPEC 9: an End that waits for the answer waits from the last word on, or from the last byte that came.</summary>
    private void WaitForAnswer(Session session)
    {
        if (context.Dialect.EndsBothDirections && session.State.MaySend)
        {
            session.LastReceived = context.Now;
        }
    }
}
