namespace MuxPro.Core;

/// <summary>What the other end takes as a sign of life.</summary>
internal enum LifeSign
{
    /// <summary>Nothing may be sent to it yet, or it takes none.</summary>
    None,

    /// <summary>A KeepAlive (SPEC 6.3.5).</summary>
    KeepAlive,

    /// <summary>A ping, which it answers (SPEC 8).</summary>
    Ping,
}

/// <summary>What a <see cref="PeerWatch"/> decides by, beside what it was told.</summary>
/// <param name="Tcp">What the kernel knows; all zero where it knows nothing.</param>
/// <param name="BytesTaken">All that the other end or the transport has taken of what was sent: it grows while a send moves.</param>
/// <param name="IsNegotiated">Whether there is a version.</param>
/// <param name="Takes">The sign of life that the other end takes.</param>
/// <param name="HasSessions">Whether sub-connections are open.</param>
internal readonly record struct PeerFigures(TcpFigures Tcp, long BytesTaken, bool IsNegotiated, LifeSign Takes, bool HasSessions);
