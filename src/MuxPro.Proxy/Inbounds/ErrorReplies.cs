using System.Globalization;

namespace MuxPro.Proxy.Inbounds;

/// <summary>What an application is told when a sub-connection was not opened, by its code (SPEC 6.3.4).</summary>
internal static class ErrorReplies
{
    public const byte SocksGeneralFailure = 0x01;
    public const byte SocksNotAllowed = 0x02;
    public const byte SocksHostUnreachable = 0x04;
    public const byte SocksConnectionRefused = 0x05;
    public const byte SocksTimeToLiveExpired = 0x06;

    private const int BadGateway = 502;

    public static byte ToSocksReply(ErrorCode code) => code switch
    {
        ErrorCode.RemoteDisconnect => SocksConnectionRefused,
        ErrorCode.OperationTimeout => SocksTimeToLiveExpired,
        ErrorCode.DestinationUnreachable => SocksHostUnreachable,
        ErrorCode.ProxyRejected => SocksNotAllowed,
        _ => SocksGeneralFailure,
    };

    public static int ToHttpStatus(ErrorCode code) => code switch
    {
        ErrorCode.OperationTimeout => 504,
        ErrorCode.ResourceExhaustion => 503,
        ErrorCode.ProxyRejected => 403,
        _ => BadGateway,
    };

    public static byte ToSocksReply(Exception exception)
        => exception is SessionException session ? ToSocksReply(session.ErrorCode) : SocksGeneralFailure;

    public static HttpStatusException ToHttpStatus(Destination destination, Exception exception)
        => exception is SessionException session
            ? new HttpStatusException(ToHttpStatus(session.ErrorCode), $"{destination}: {Name(session.ErrorCode)}", exception)
            : new HttpStatusException(BadGateway, $"{destination}: no main connection to the server", exception);

    /// <summary>The code by name and number, for example <c>ProxyRejected (0006)</c>.</summary>
    public static string Name(ErrorCode code) => string.Create(CultureInfo.InvariantCulture, $"{code} ({(ushort)code:x4})");
}
