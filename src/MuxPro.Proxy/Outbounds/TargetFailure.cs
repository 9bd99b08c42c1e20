using System.Collections.Concurrent;
using System.Net.Sockets;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Why a target was not reached, in words.</summary>
internal static class TargetFailure
{
    /// <summary>What the server knows.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        SessionException { ErrorCode: ErrorCode.ProxyRejected } refused => $"{refused.Message.TrimEnd('.')} (--allow-private allows private targets)",
        { InnerException: SocketException socket } => Describe(socket.SocketErrorCode),
        _ => exception.Message.TrimEnd('.'),
    };

    /// <summary>What the client knows: a code.</summary>
    public static string Describe(ErrorCode code) => code switch
    {
        ErrorCode.RemoteDisconnect => "the target or the server ended the connection",
        ErrorCode.OperationTimeout => "the target did not answer in time",
        ErrorCode.ProtocolError => "an end broke the protocol",
        ErrorCode.ResourceExhaustion => "a limit was reached",
        ErrorCode.DestinationUnreachable => "refused, unreachable, or the name was not found; the server's log at 'information' says which",
        ErrorCode.ProxyRejected => "the server does not allow this target; private and loopback targets need its --allow-private",
        _ => "a code that is not known here",
    };

    private static string Describe(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "the target refused the connection",
        SocketError.HostNotFound or SocketError.NoData => "the name was not found",
        SocketError.TryAgain => "the name could not be looked up now",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown => "the target is unreachable",
        SocketError.TimedOut => "the target did not answer in time",
        _ => $"the target could not be connected ({error})",
    };
}

/// <summary>Where client and server are one process: the reasons that the server knows, for the client to say. The last few.</summary>
internal sealed class TargetReasons
{
    private const int Most = 256;

    private readonly ConcurrentDictionary<Destination, string> _reasons = new();

    public void Add(Destination target, string reason)
    {
        if (_reasons.Count >= Most)
        {
            _reasons.Clear();
        }

        _reasons[target] = reason;
    }

    public string? Find(Destination target) => _reasons.GetValueOrDefault(target);
}
