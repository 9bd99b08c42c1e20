using System.Globalization;
using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Inbounds;

/// <summary>What an application is told when a sub-connection was not opened, by its code and what more is known (SPEC 6.3.4).</summary>
internal static class ErrorReplies
{
    public const byte SocksGeneralFailure = 0x01;
    public const byte SocksNotAllowed = 0x02;
    public const byte SocksNetworkUnreachable = 0x03;
    public const byte SocksHostUnreachable = 0x04;
    public const byte SocksConnectionRefused = 0x05;
    public const byte SocksTimeToLiveExpired = 0x06;

    private const int BadGateway = 502;

    public static byte ToSocksReply(Exception exception) => exception switch
    {
        SessionException { Detail: FailureDetail.ConnectionRefused } => SocksConnectionRefused,
        SessionException { Detail: FailureDetail.NameNotFound or FailureDetail.HostUnreachable } => SocksHostUnreachable,
        SessionException { Detail: FailureDetail.NetworkUnreachable } => SocksNetworkUnreachable,
        SessionException session => ToSocksReply(session.ErrorCode),
        _ => SocksGeneralFailure,
    };

    public static HttpStatusException ToHttpStatus(Destination destination, Exception exception)
    {
        string text = $"{destination}: {TargetFailure.Explain(exception)}";
        return exception is SessionException session
            ? new HttpStatusException(ToHttpStatus(session.ErrorCode), text, exception) { ProxyError = ToProxyError(session) }
            : new HttpStatusException(BadGateway, text, exception) { ProxyError = "destination_unavailable" };
    }

    /// <summary>What another proxy's SOCKS reply means as a code (RFC 1928 6).</summary>
    public static ErrorCode OfSocksReply(byte reply) => reply switch
    {
        SocksNotAllowed => ErrorCode.ProxyRejected,
        SocksConnectionRefused => ErrorCode.RemoteDisconnect,
        SocksTimeToLiveExpired => ErrorCode.OperationTimeout,
        _ => ErrorCode.DestinationUnreachable,
    };

    /// <summary>What more another proxy's reply says.</summary>
    public static FailureDetail DetailOfSocksReply(byte reply) => reply switch
    {
        SocksNetworkUnreachable => FailureDetail.NetworkUnreachable,
        SocksHostUnreachable => FailureDetail.HostUnreachable,
        SocksConnectionRefused => FailureDetail.ConnectionRefused,
        _ => FailureDetail.None,
    };

    /// <summary>What another proxy's answer to CONNECT means: the word of RFC 9209, where it gives one, tells more than the status.</summary>
    public static (ErrorCode Code, FailureDetail Detail) OfHttpStatus(int status, string? proxyError) => proxyError switch
    {
        "connection_refused" => (ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused),
        "connection_terminated" => (ErrorCode.RemoteDisconnect, FailureDetail.None),
        "dns_error" => (ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound),
        "destination_ip_unroutable" => (ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable),
        "connection_timeout" or "dns_timeout" => (ErrorCode.OperationTimeout, FailureDetail.None),
        "connection_limit_reached" => (ErrorCode.ResourceExhaustion, FailureDetail.None),
        "destination_ip_prohibited" or "http_request_denied" => (ErrorCode.ProxyRejected, FailureDetail.None),
        _ => (status switch
        {
            403 or 405 or 451 or 501 => ErrorCode.ProxyRejected,
            429 or 503 => ErrorCode.ResourceExhaustion,
            408 or 504 => ErrorCode.OperationTimeout,
            _ => ErrorCode.DestinationUnreachable,
        }, FailureDetail.None),
    };

    /// <summary>The code by name and number, for example <c>ProxyRejected (0006)</c>.</summary>
    public static string Name(ErrorCode code) => string.Create(CultureInfo.InvariantCulture, $"{code} ({(ushort)code:x4})");

    private static byte ToSocksReply(ErrorCode code) => code switch
    {
        ErrorCode.RemoteDisconnect => SocksConnectionRefused,
        ErrorCode.OperationTimeout => SocksTimeToLiveExpired,
        ErrorCode.DestinationUnreachable => SocksHostUnreachable,
        ErrorCode.ProxyRejected => SocksNotAllowed,
        _ => SocksGeneralFailure,
    };

    private static int ToHttpStatus(ErrorCode code) => code switch
    {
        ErrorCode.OperationTimeout => 504,
        ErrorCode.ResourceExhaustion => 503,
        ErrorCode.ProxyRejected => 403,
        _ => BadGateway,
    };

    /// <summary>The words that programs can read (RFC 9209 2.3).</summary>
    private static string ToProxyError(SessionException session) => session.Detail switch
    {
        FailureDetail.ConnectionRefused => "connection_refused",
        FailureDetail.NameNotFound => "dns_error",
        FailureDetail.HostUnreachable or FailureDetail.NetworkUnreachable => "destination_ip_unroutable",
        _ => session.ErrorCode switch
        {
            ErrorCode.RemoteDisconnect => "connection_terminated",
            ErrorCode.OperationTimeout => "connection_timeout",
            ErrorCode.ResourceExhaustion => "connection_limit_reached",
            ErrorCode.DestinationUnreachable => "destination_unavailable",
            ErrorCode.ProxyRejected => "destination_ip_prohibited",
            _ => "proxy_internal_error",
        },
    };
}
