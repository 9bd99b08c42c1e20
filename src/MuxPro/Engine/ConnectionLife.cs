namespace MuxPro.Engine;

/// <summary>The life of a main connection, in order: it only goes forward.</summary>
internal enum ConnectionLife : byte
{
    /// <summary>Sub-connections are opened.</summary>
    Open,

    /// <summary>It closes when the last sub-connection has ended: it is worn out, or one of the ends goes away (SPEC 8).</summary>
    Retiring,

    /// <summary>What can be sent is sent; nothing is opened any more.</summary>
    Closing,

    /// <summary>This end has told the transport that nothing more comes, and waits for the other end to close too.</summary>
    CloseSent,

    /// <summary>It is gone: <see cref="MainConnection.Failure"/> says why.</summary>
    Ended,
}
