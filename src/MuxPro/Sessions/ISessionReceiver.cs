namespace MuxPro.Sessions;

/// <summary>What a session receives, as the engine sees it: a stream (<see cref="SessionInput"/>) or datagrams (<see cref="DatagramInput"/>).</summary>
internal interface ISessionReceiver
{
    /// <summary>Whether the application reads no more.</summary>
    bool IsCompleted { get; }

    /// <summary>Whether something waits for the application to read it.</summary>
    bool HasUnread { get; }

    /// <summary>Nothing more comes.</summary>
    /// <param name="error">Why, unless the other end is done in order. What was received before is read first.</param>
    /// <param name="drop">Whether what was received before is dropped instead.</param>
    /// <returns>Whether a reader waits: the caller calls <see cref="Wake"/>.</returns>
    bool End(Exception? error, bool drop = false);

    /// <summary>Lets the waiting reader go on. Call it without a lock.</summary>
    void Wake();

    /// <summary>Runs the waiting reader on this thread, which has nothing else to do.</summary>
    void Run();

    /// <summary>The application reads no more; with an exception it aborts the session.</summary>
    void Complete(Exception? exception = null);
}
