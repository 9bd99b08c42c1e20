namespace MuxPro;

/// <summary>Exceptions that several waiters get.</summary>
internal static class MuxErrors
{
    /// <summary>A new exception that says the same: an exception object collects the stack of whoever throws it.</summary>
    public static Exception Copy(Exception error) => error switch
    {
        SessionException session => new SessionException(session.ErrorCode, session.Message, session.InnerException)
        {
            IsRemote = session.IsRemote,
            Detail = session.Detail,
        },
        MainConnectionException main => new MainConnectionException(main.Reason, main.Message, main.InnerException),
        _ => new IOException(error.Message, error),
    };

    public static string Describe(ErrorCode code) => code switch
    {
        ErrorCode.GracefulShutdown => "graceful shutdown",
        ErrorCode.RemoteDisconnect => "disconnected",
        ErrorCode.OperationTimeout => "timed out",
        ErrorCode.ProtocolError => "protocol error",
        ErrorCode.ResourceExhaustion => "a limit was reached",
        ErrorCode.DestinationUnreachable => "destination unreachable",
        ErrorCode.ProxyRejected => "destination not allowed",
        _ => "unknown code",
    };
}
