using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>
/// What HTTP says of a sub-connection that was not opened, by its code and what more is known (SPEC 6.3.4), and the other way round.
/// </summary>
internal static class HttpErrors
{
    private const int BadGateway = 502;

    public static HttpStatusException Of(Destination destination, Exception exception)
    {
        string text = $"{destination}: {TargetFailure.Explain(exception)}";
        return exception is SessionException session
            ? new HttpStatusException(ToStatus(session.ErrorCode), text, exception) { ProxyError = ToProxyError(session) }
            : new HttpStatusException(BadGateway, text, exception) { ProxyError = "destination_unavailable" };
    }

    /// <summary>
    /// What another proxy's answer to CONNECT means: the word of RFC 9209, where it gives one, tells more than the status.
    /// </summary>
    public static (ErrorCode Code, FailureDetail Detail) ToCode(int status, string? proxyError) => proxyError switch
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

    private static int ToStatus(ErrorCode code) => code switch
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
