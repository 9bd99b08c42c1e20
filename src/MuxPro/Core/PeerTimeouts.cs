namespace MuxPro.Core;

/// <summary>
/// How long the other end of a main connection may take for what: the times of <see cref="MuxOptions"/> that <see cref="PeerWatch"/>
/// decides by.
/// </summary>
/// <param name="Handshake">Until there is a version.</param>
/// <param name="Silence">Until its host acknowledges something; infinite where that is no reason.</param>
/// <param name="Write">Until it takes something of a send; infinite where that is no reason.</param>
/// <param name="PingInterval">Until it is asked for a sign of life; infinite where it is not.</param>
/// <param name="Ping">Until it answers that.</param>
/// <param name="KeepAliveInterval">Until this end gives a sign of life; infinite where it gives none.</param>
/// <param name="Linger">Until it goes on sending on a sub-connection that this end has ended, and still reads.</param>
/// <param name="LingerBefore">The same before the private version, and where nobody reads any more.</param>
internal readonly record struct PeerTimeouts(
    TimeSpan Handshake,
    TimeSpan Silence,
    TimeSpan Write,
    TimeSpan PingInterval,
    TimeSpan Ping,
    TimeSpan KeepAliveInterval,
    TimeSpan Linger,
    TimeSpan LingerBefore);
