using System.Globalization;
using System.Net.Sockets;

namespace MuxPro.Proxy.Shared;

/// <summary>Why a target was not reached, in words.</summary>
internal static class TargetFailure
{
    private const string Refused = "the target refused the connection";
    private const string NameNotFound = "the name was not found";
    private const string HostUnreachable = "the target is unreachable";
    private const string NetworkUnreachable = "the target's network is unreachable";
    private const string TimedOut = "the target did not answer in time";

    /// <summary>What the server knows.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        SessionException { ErrorCode: ErrorCode.ProxyRejected } refused
            => $"{refused.Message.TrimEnd('.')} (--allow-private, or \"allowPrivate\" of the outbound, allows private targets)",
        { InnerException: SocketException socket } => Describe(socket.SocketErrorCode),
        _ => exception.Message.TrimEnd('.'),
    };

    /// <summary>What the client knows: a code, and in the private version a detail.</summary>
    public static string Explain(Exception exception) => exception is SessionException session
        ? $"{Describe(session.ErrorCode, session.Detail)}, {NameOf(session.ErrorCode)}"
        : $"no main connection to the server: {exception.Message.TrimEnd('.')}{Hint(exception)}";

    // It was reached, and is no end of a main connection for this client.
    private static string Hint(Exception exception)
        => exception is MainConnectionException { Reason: MainConnectionEnd.ClosedByPeer or MainConnectionEnd.NegotiationFailed }
        ? " (is this client's key authorized there, and do both ends speak TLS, or neither?)" : "";

    /// <summary>The code by name and number, for example <c>ProxyRejected (0006)</c>.</summary>
    public static string NameOf(ErrorCode code) => string.Create(CultureInfo.InvariantCulture, $"{code} ({(ushort)code:x4})");

    /// <summary>How something that failed ended, for the access log.</summary>
    public static string NameOf(Exception exception) => exception switch
    {
        SessionException session => NameOf(session.ErrorCode),
        OperationCanceledException => "given up",
        _ => "no main connection",
    };

    public static string Describe(ErrorCode code, FailureDetail detail = FailureDetail.None) => detail switch
    {
        FailureDetail.ConnectionRefused => Refused,
        FailureDetail.NameNotFound => NameNotFound,
        FailureDetail.HostUnreachable => HostUnreachable,
        FailureDetail.NetworkUnreachable => NetworkUnreachable,
        _ => Describe(code),
    };

    private static string Describe(ErrorCode code) => code switch
    {
        ErrorCode.RemoteDisconnect => "the target refused or ended the connection, or the server did",
        ErrorCode.OperationTimeout => TimedOut,
        ErrorCode.ProtocolError => "an end broke the protocol",
        ErrorCode.ResourceExhaustion => "a limit was reached",
        ErrorCode.DestinationUnreachable => "unreachable, or the name was not found; the server's log at 'information' says which",
        ErrorCode.ProxyRejected => "the way out does not allow this target; "
            + "private and loopback targets need --allow-private of the server, or \"allowPrivate\": true of the outbound",
        _ => "a code that is not known here",
    };

    private static string Describe(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => Refused,
        SocketError.HostNotFound or SocketError.NoData => NameNotFound,
        SocketError.TryAgain => "the name could not be looked up now",
        SocketError.HostUnreachable or SocketError.HostDown => HostUnreachable,
        SocketError.NetworkUnreachable or SocketError.NetworkDown => NetworkUnreachable,
        SocketError.TimedOut => TimedOut,
        _ => $"the target could not be connected ({error})",
    };
}
