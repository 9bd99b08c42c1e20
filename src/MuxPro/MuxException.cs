namespace MuxPro;

/// <summary>Something went wrong on a main connection or on one of its sub-connections. The type says what still lives.</summary>
public abstract class MuxException : IOException
{
    private protected MuxException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>One sub-connection ended, or was not opened. Its main connection and its neighbours live on.</summary>
public sealed class SessionException : MuxException
{
    /// <summary>Makes the exception, for a dispatcher that refuses or fails to reach a destination.</summary>
    /// <param name="errorCode">The code that the other end is told, or has told us.</param>
    /// <param name="message">What happened, in one sentence.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    public SessionException(ErrorCode errorCode, string message, Exception? innerException = null)
        : base(message, innerException)
        => ErrorCode = errorCode;

    /// <summary>Why the sub-connection ended; values unknown to this library are kept.</summary>
    public ErrorCode ErrorCode { get; }

    /// <summary>Whether the other end said so; otherwise this end did.</summary>
    public bool IsRemote { get; init; }

    /// <summary>More on why a target was not reached, where it is known.</summary>
    public FailureDetail Detail { get; init; }
}

/// <summary>A main connection ended, and with it all its sub-connections.</summary>
public sealed class MainConnectionException : MuxException
{
    internal MainConnectionException(MainConnectionEnd reason, string message, Exception? innerException = null)
        : base(message, innerException)
        => Reason = reason;

    /// <summary>What ended the main connection.</summary>
    public MainConnectionEnd Reason { get; }
}

/// <summary>What ended a main connection.</summary>
public enum MainConnectionEnd
{
    /// <summary>There was none: it could not be dialled.</summary>
    DialFailed,

    /// <summary>This end closed it.</summary>
    ClosedLocally,

    /// <summary>The other end closed it in order, or asked for that (SPEC 8, GoAway).</summary>
    ClosedByPeer,

    /// <summary>The transport failed: reset, unreachable, cut.</summary>
    TransportFailed,

    /// <summary>The other end broke the protocol.</summary>
    ProtocolError,

    /// <summary>The other end did not answer, or took no bytes, in time.</summary>
    Timeout,

    /// <summary>No common version, or no proper answer to the negotiation.</summary>
    NegotiationFailed,

    /// <summary>The other end spent one of the budgets of <see cref="MuxOptions"/>.</summary>
    BudgetSpent,

    /// <summary>The other end goes away and has not started this sub-connection (SPEC 8, GoAway): it may be opened elsewhere.</summary>
    GoingAway,
}
