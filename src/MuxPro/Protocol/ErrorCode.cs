namespace MuxPro;

/// <summary>Why a sub-connection ended, with the values of the wire (SPEC 6.3.4). Unknown values survive.</summary>
public enum ErrorCode : ushort
{
    /// <summary>0000: all data was sent; no error.</summary>
    GracefulShutdown = 0,

    /// <summary>0001: the target refused the connection, or it or the application reset, cancelled or closed it.</summary>
    RemoteDisconnect = 1,

    /// <summary>0002: the target, or the other end, did not answer in time.</summary>
    OperationTimeout = 2,

    /// <summary>0003: the other end broke the protocol for this sub-connection.</summary>
    ProtocolError = 3,

    /// <summary>0004: a limit was reached.</summary>
    ResourceExhaustion = 4,

    /// <summary>0005: the target is unreachable, or its name was not found.</summary>
    DestinationUnreachable = 5,

    /// <summary>0006: the server does not allow this target.</summary>
    ProxyRejected = 6,
}
