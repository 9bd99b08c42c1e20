namespace MuxPro.Engine;

/// <summary>Whom to tell of a session's end once the gate is open.</summary>
internal readonly record struct Wakeups(Session? Session, bool Reader, bool Writer, bool IsOver, bool IsAborted, bool IsOpened = false)
{
    /// <summary>Stops both directions of a session. What is still to be told to the other end is the caller's. Under the gate.</summary>
    /// <param name="session">The session.</param>
    /// <param name="code">How it ended.</param>
    /// <param name="error">Why, for its readers and writers.</param>
    /// <param name="drop">Whether what was received before is dropped.</param>
    public static Wakeups Stop(Session session, ErrorCode code, Exception error, bool drop)
    {
        session.SetEndCode(code);
        session.SetFailure(error);
        bool reader = session.Receiver.End(error, drop);
        bool writer = session.Sender.Fail(error);
        session.CloseCredit();
        return new Wakeups(session, reader, writer, IsOver: true, IsAborted: true);
    }

    /// <summary>Wakes them. Call it without a lock.</summary>
    public void Run()
    {
        if (Session is null)
        {
            return;
        }

        if (IsOpened)
        {
            Session.SetOpened();
        }

        if (Reader)
        {
            Session.Receiver.Wake();
        }

        if (Writer)
        {
            Session.Sender.Wake();
        }

        if (IsOver)
        {
            Session.SetOver(IsAborted);
        }
    }
}
