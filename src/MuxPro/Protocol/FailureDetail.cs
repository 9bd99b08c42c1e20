namespace MuxPro;

/// <summary>
/// More than <see cref="ErrorCode"/> says on why a target was not reached. Carried by <see cref="ProtocolVersion.Private"/> alone; unknown
/// values survive.
/// </summary>
public enum FailureDetail : byte
{
    /// <summary>Nothing more is known.</summary>
    None = 0,

    /// <summary>The target refused the connection.</summary>
    ConnectionRefused = 1,

    /// <summary>The name was not found, or could not be looked up.</summary>
    NameNotFound = 2,

    /// <summary>There is no way to the host.</summary>
    HostUnreachable = 3,

    /// <summary>There is no way to the host's network.</summary>
    NetworkUnreachable = 4,
}
