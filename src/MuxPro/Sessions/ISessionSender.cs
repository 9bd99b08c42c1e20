using MuxPro.Buffers;
using MuxPro.Core;

namespace MuxPro.Sessions;

/// <summary>
/// What a session sends, as the engine sees it: a stream (<see cref="SessionOutput"/>) or datagrams (<see cref="DatagramOutput"/>).
/// </summary>
internal interface ISessionSender
{
    /// <summary>Bytes that wait to be sent.</summary>
    long Length { get; }

    /// <summary>The GlobalID that the New has (SPEC 7.2), or 0.</summary>
    ulong GlobalId { get; }

    /// <summary>How many bytes may go with the New: it has no place for an address, and its payload is the first piece.</summary>
    /// <param name="most">So many at most.</param>
    /// <returns>-1 when nothing goes with it.</returns>
    int FirstPayload(int most);

    /// <summary>Moves the payload that <see cref="FirstPayload"/> told into a batch that has the New.</summary>
    CutResult MoveFirst(SendBatch batch, int count);

    /// <summary>Cuts the frames of one turn into a batch.</summary>
    /// <param name="batch">Where to.</param>
    /// <param name="credit">Pays for them.</param>
    /// <param name="mostPerFrame">Payload bytes of one frame at most; a turn is worth as many.</param>
    /// <param name="isOneFrame">Whether a turn is one frame, because very many wait for theirs.</param>
    CutResult Cut(SendBatch batch, ref SendCredit credit, int mostPerFrame, bool isOneFrame);

    /// <summary>Drops what has waited too long for credit, where that may be dropped.</summary>
    /// <param name="dropped">How many pieces were dropped: the caller reports them, without a lock.</param>
    /// <returns>Whether nothing waits any more.</returns>
    bool TryGiveUp(out int dropped);

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
