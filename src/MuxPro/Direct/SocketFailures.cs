using System.Net.Sockets;

namespace MuxPro;

/// <summary>What an error of a socket says about a target (SPEC 6.3.4).</summary>
internal static class SocketFailures
{
    /// <summary>The failure of a connect, with the code and the detail that tell its cause.</summary>
    internal static SessionException Connecting(Destination destination, SocketException exception)
    {
        (ErrorCode code, FailureDetail detail, string what) = exception.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => (ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused, "refused the connection"),
            SocketError.ConnectionReset or SocketError.ConnectionAborted
                => (ErrorCode.RemoteDisconnect, FailureDetail.None, "reset the connection"),
            SocketError.TimedOut => (ErrorCode.OperationTimeout, FailureDetail.None, "did not answer"),
            SocketError.HostUnreachable or SocketError.HostDown
                => (ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable, "could not be connected: there is no way to the host"),
            // No source address and no such family mean that this machine has no way there either.
            SocketError.NetworkUnreachable or SocketError.NetworkDown
                or SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported
                => (ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable,
                    "could not be connected: there is no way to its network"),
            SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable
                => (ErrorCode.ResourceExhaustion, FailureDetail.None, $"could not be connected: {exception.SocketErrorCode}"),
            _ => (ErrorCode.DestinationUnreachable, FailureDetail.None, $"could not be connected: {exception.SocketErrorCode}"),
        };
        return new SessionException(code, $"{destination} {what}.", exception) { Detail = detail };
    }

    /// <summary>A name that has no address, or could not be looked up.</summary>
    internal static SessionException Naming(Destination destination, Exception? exception)
        => new(ErrorCode.DestinationUnreachable, $"The name of {destination} was not found.", exception)
        {
            Detail = FailureDetail.NameNotFound,
        };

    /// <summary>
    /// The more telling of two failures of one name's addresses: what a host said comes before what only this machine knows, so that a
    /// missing route for one family does not hide why the other one failed.
    /// </summary>
    internal static Exception MoreTelling(Exception? earlier, Exception later)
        => earlier is null || Rank(later) > Rank(earlier) ? later : earlier;

    /// <summary>
    /// Whether a UDP socket goes on after this: one target's ICMP message, or a moment without memory, is not the flow's end.
    /// </summary>
    internal static bool IsPassing(SocketError error) => error
        is SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.HostDown
        or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.NetworkReset or SocketError.MessageSize
        or SocketError.WouldBlock or SocketError.TimedOut or SocketError.ProtocolOption or SocketError.AccessDenied
        or SocketError.NoBufferSpaceAvailable;

    private static int Rank(Exception exception) => exception is not SocketException socket ? 4 : socket.SocketErrorCode switch
    {
        SocketError.ConnectionRefused or SocketError.ConnectionReset => 3,
        SocketError.TimedOut => 2,
        SocketError.HostUnreachable or SocketError.HostDown => 1,
        _ => 0,
    };
}
