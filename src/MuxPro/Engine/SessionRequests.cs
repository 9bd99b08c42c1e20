using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>What sessions ask for, on the threads of their applications.</summary>
internal sealed class SessionRequests(
    Lock gate, MainConnection connection, SessionContext context, OpenSessions sessions, FrameCutter cutter, SendLoop sendLoop,
    MuxCool muxCool, MuxMetrics metrics, ILogger log) : ISessionEngine
{
    // A message, not a part of a stream: it goes ahead of those among its equals.
    private const int Little = ReceiveLoop.Little;

    // Few bytes and nobody in line: sending them here saves a change of thread. A batch in the making is worth more than that.
    private const int SendInlineUpTo = 16 * 1024;

    private readonly ILogger _log = log;

    public MainConnectionException? Failure => connection.Failure;

    public void OnWritten(Session session)
    {
        bool inline;
        lock (gate)
        {
            if (session.InSendQueue || !session.State.MaySend || session.Credit.Available == 0)
            {
                return;
            }

            long length = session.Sender.Length;
            if (length == 0)
            {
                return;
            }

            inline = cutter.IsIdle && length <= SendInlineUpTo;
            cutter.Add(session, isLittle: length <= Little);
        }

        sendLoop.Wake(inline);
    }

    public void OnWritesCompleted(Session session)
    {
        SessionDue due;
        lock (gate)
        {
            // Completing may have committed bytes that were never flushed.
            due = session.State.Complete(hasUnsent: session.Sender.Length > 0);
            cutter.Add(session, due);
        }

        WakeFor(due);
    }

    public void OnConsumed(Session session)
    {
        if (context.Dialect.EndsBothDirections)
        {
            muxCool.OnRoom();
            return;
        }

        lock (gate)
        {
            if (!session.State.MayGrant)
            {
                return;
            }

            cutter.Add(session, SessionDue.Grant);
        }

        sendLoop.Wake();
    }

    public void OnReadsCompleted(Session session)
    {
        if (!context.Dialect.EndsBothDirections)
        {
            return;
        }

        // SPEC 9: an End that waited for the answer goes out; nobody reads the answer.
        lock (gate)
        {
            if (session.State is { IsComplete: true, MaySend: true })
            {
                cutter.Add(session, SessionDue.End);
            }
        }

        sendLoop.Wake();
    }

    public void OnConfirmed(Session session)
    {
        SessionDue due;
        lock (gate)
        {
            due = session.State.Confirm();
            cutter.Add(session, due);
        }

        WakeFor(due);
    }

    public void OnDropped(bool isSent) => metrics.DatagramDropped(isSent);

    public void Abort(Session session, SessionException error)
    {
        Wakeups wakeups;
        lock (gate)
        {
            SessionState before = session.State;
            if (!before.IsLive || connection.Failure is not null)
            {
                return;
            }

            SessionDue due = session.State.Abort(error.ErrorCode, error.Detail);
            wakeups = Wakeups.Stop(session, error.ErrorCode, error, drop: true);
            sessions.Settle(session, before);
            cutter.Add(session, due);
            muxCool.OnChanged();
        }

        wakeups.Run();
        sendLoop.Wake();
    }

    public void OnOver(Session session)
    {
        ErrorCode code = session.EndCode ?? ErrorCode.GracefulShutdown;
        metrics.SessionEnded(code, context.Time.GetElapsedTime(session.Opened));
        _log.SessionEnded(session.Id, code);
        connection.RoomFreed?.Invoke();
    }

    private void WakeFor(SessionDue due)
    {
        // A second word on the same is nothing to wake the send loop for: each read of a session may confirm it.
        if (due != SessionDue.None)
        {
            sendLoop.Wake();
        }
    }
}
