namespace MuxPro.Sessions;

/// <summary>What a session sends, as the engine sees it: a stream (<see cref="SessionOutput"/>) or datagrams (<see cref="DatagramOutput"/>).</summary>
internal interface ISessionSender
{
    /// <summary>Bytes that wait to be sent.</summary>
    long Length { get; }

    /// <summary>Nothing can be sent any more; what waits is dropped.</summary>
    /// <returns>Whether a writer waits: the caller calls <see cref="Wake"/>.</returns>
    bool Fail(Exception error);

    /// <summary>The same, where the other end has only ended in order: a pipe's flush tells it without failing.</summary>
    bool Stop(Exception error);

    /// <summary>Lets the waiting writer go on. Call it without a lock.</summary>
    void Wake();

    /// <summary>The application writes no more; with an exception it aborts the session.</summary>
    void Complete(Exception? exception = null);
}
