using MuxPro.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// What a session receives, as the engine sees it: a stream (<see cref="SessionInput"/>) or datagrams (<see cref="DatagramInput"/>).
/// </summary>
internal interface ISessionReceiver
{
    /// <summary>Whether the application reads no more.</summary>
    bool IsCompleted { get; }

    /// <summary>Whether something waits for the application to read it.</summary>
    bool HasUnread { get; }

    /// <summary>Bytes that were received, not consumed, and cannot be dropped.</summary>
    long Unread { get; }

    /// <summary>Whether the application waits for what the other end has yet to say, however long that takes.</summary>
    bool IsAnswerRead { get; }

    /// <summary>Whether the payload of a frame is handed over in one piece.</summary>
    bool IsWhole { get; }

    /// <summary>The head of a frame was read; its payload follows.</summary>
    /// <returns>What the session is to be ended with, or <see langword="null"/>.</returns>
    SessionViolation? Expect(in Frame frame);

    /// <summary>Takes payload that was announced by <see cref="Expect"/>.</summary>
    /// <param name="slab">Has the bytes; to keep them is to hold a reference.</param>
    /// <param name="start">Where they start.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="violation">What the session is to be ended with, or <see langword="null"/>.</param>
    /// <returns>Whether a reader waits for it: the caller calls <see cref="Wake"/>.</returns>
    bool Receive(Slab slab, int start, int count, out SessionViolation? violation);

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
