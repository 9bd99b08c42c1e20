namespace MuxPro.Engine;

/// <content>What sessions ask for, on the threads of their applications.</content>
internal sealed partial class MainConnection
{
    /// <summary>A session has bytes to send.</summary>
    public void OnWritten(Session session)
    {
        // Few bytes and nobody in line: sending them here saves a change of thread. A batch in the making is worth more than that.
        const int SendInlineUpTo = 16 * 1024;
        bool inline;
        lock (_gate)
        {
            if (session.IsAborted || session.InSendQueue || session.NewPending || session.Credit.Available == 0)
            {
                return;
            }

            long length = session.Sender.Length;
            if (length == 0)
            {
                return;
            }

            inline = _ready.Count == 0 && length <= SendInlineUpTo;
            EnqueueDataLocked(session, isLittle: length <= Little);
        }

        _sendSignal.Set(inline);
    }

    /// <summary>A session's application writes no more.</summary>
    public void CompleteWrites(Session session)
    {
        lock (_gate)
        {
            if (session.IsAborted || session.CompleteRequested)
            {
                return;
            }

            session.CompleteRequested = true;

            // Behind data the End goes with the last of it; completing may have committed bytes that were never flushed.
            if (session.Sender.Length == 0)
            {
                EnqueueControlLocked(session);
            }
            else if (!session.NewPending && (session.IsDatagrams || session.Credit.Available > 0))
            {
                EnqueueDataLocked(session);
            }
        }

        _sendSignal.Set();
    }

    /// <summary>A session's application consumed enough for a grant.</summary>
    public void OnGrant(Session session)
    {
        if (IsMuxCool)
        {
            OnRoom();
            return;
        }

        lock (_gate)
        {
            if (session.IsAborted || !MayGrant(session))
            {
                return;
            }

            EnqueueControlLocked(session);
        }

        _sendSignal.Set();
    }

    // SPEC 6.3.6: in 0.0 and 0.1 never for a sub-connection for which we have sent or received End. SPEC 8: until the other end's.
    private bool MayGrant(Session session) => !session.EndReceived && (_isPrivate || !session.EndSent);

    /// <summary>This end aborts a session.</summary>
    public void Abort(Session session, ErrorCode code, Exception error)
    {
        Wakeups wakeups;
        lock (_gate)
        {
            if (session.IsAborted || _failure is not null || (session.EndSent && session.EndReceived))
            {
                return;
            }

            wakeups = AbortLocked(session, code, error, drop: true);
            if (session.NewPending)
            {
                // The other end never heard of it.
                RemoveLocked(session);
            }
            else
            {
                session.PendingAbort = code;
                session.PendingDetail = (error as SessionException)?.Detail ?? FailureDetail.None;
                EnqueueControlLocked(session);
            }
        }

        wakeups.Run();
        _sendSignal.Set();
    }
}
