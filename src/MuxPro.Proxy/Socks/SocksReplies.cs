namespace MuxPro.Proxy.Socks;

/// <summary>The replies of SOCKS5 (RFC 1928 6), and what they are as codes of a sub-connection (SPEC 6.3.4).</summary>
internal static class SocksReplies
{
    public const byte GeneralFailure = 0x01;
    public const byte NotAllowed = 0x02;
    public const byte NetworkUnreachable = 0x03;
    public const byte HostUnreachable = 0x04;
    public const byte ConnectionRefused = 0x05;
    public const byte TimeToLiveExpired = 0x06;

    /// <summary>What an application is told when a sub-connection was not opened.</summary>
    public static byte Of(Exception exception) => exception switch
    {
        SessionException { Detail: FailureDetail.ConnectionRefused } => ConnectionRefused,
        SessionException { Detail: FailureDetail.NameNotFound or FailureDetail.HostUnreachable } => HostUnreachable,
        SessionException { Detail: FailureDetail.NetworkUnreachable } => NetworkUnreachable,
        SessionException session => Of(session.ErrorCode),
        _ => GeneralFailure,
    };

    /// <summary>What another proxy's SOCKS reply means as a code (RFC 1928 6).</summary>
    public static ErrorCode ToCode(byte reply) => reply switch
    {
        NotAllowed => ErrorCode.ProxyRejected,
        ConnectionRefused => ErrorCode.RemoteDisconnect,
        TimeToLiveExpired => ErrorCode.OperationTimeout,
        _ => ErrorCode.DestinationUnreachable,
    };

    /// <summary>What more another proxy's reply says.</summary>
    public static FailureDetail ToDetail(byte reply) => reply switch
    {
        NetworkUnreachable => FailureDetail.NetworkUnreachable,
        HostUnreachable => FailureDetail.HostUnreachable,
        ConnectionRefused => FailureDetail.ConnectionRefused,
        _ => FailureDetail.None,
    };

    private static byte Of(ErrorCode code) => code switch
    {
        ErrorCode.RemoteDisconnect => ConnectionRefused,
        ErrorCode.OperationTimeout => TimeToLiveExpired,
        ErrorCode.DestinationUnreachable => HostUnreachable,
        ErrorCode.ProxyRejected => NotAllowed,
        _ => GeneralFailure,
    };
}
