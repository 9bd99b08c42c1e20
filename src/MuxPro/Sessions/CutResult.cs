namespace MuxPro.Sessions;

/// <summary>How a session's turn to send ended.</summary>
[Flags]
internal enum CutResult : byte
{
    /// <summary>Something is left.</summary>
    None = 0,

    /// <summary>Nothing is left to send.</summary>
    IsEmpty = 1,

    /// <summary>A writer waits for the room: the caller calls <see cref="ISessionSender.Wake"/> without a lock.</summary>
    Wake = 2,

    /// <summary>What is left waits for credit, and is given up after a while (<see cref="ISessionSender.TryGiveUp"/>).</summary>
    MayGiveUp = 4,
}
