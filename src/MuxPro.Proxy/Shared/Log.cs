using System.Net;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// Everything the program logs. Ids: 1-19 listeners, 20-39 inbounds for applications, 40-59 main connections, 60-69 keys.
/// What a peer does wrong is Information: it is not our fault, and it can be repeated at will. Where the user has to know, it is a warning
/// now and then (<see cref="WarningLimit"/>).
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {EndPoint}.")]
    public static partial void Listening(this ILogger logger, EndPoint endPoint);

    [LoggerMessage(2, LogLevel.Warning, "Cannot accept a connection on {EndPoint}: {Reason}. Trying again.")]
    public static partial void AcceptFailed(this ILogger logger, EndPoint endPoint, string reason);

    [LoggerMessage(
        EventId = 3,
        Message = "Closed {Source}: {Limit} connections are open on {EndPoint}, "
            + "as many as 'limits.maxConnections' (--max-clients) allows.")]
    public static partial void TooManyConnections(this ILogger logger, LogLevel level, EndPoint? source, int limit, EndPoint endPoint);

    [LoggerMessage(4, LogLevel.Error, "A connection on {EndPoint} failed in a way that should not be.")]
    public static partial void ConnectionFailed(this ILogger logger, EndPoint endPoint, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "Stopped while {Count} connections on {EndPoint} had not ended.")]
    public static partial void StoppedEarly(this ILogger logger, int count, EndPoint endPoint);

    [LoggerMessage(6, LogLevel.Information, "Not listening on {EndPoint} any more; connections that go on: {Count}.")]
    public static partial void NotListening(this ILogger logger, EndPoint endPoint, int count);

    [LoggerMessage(21, LogLevel.Warning, "{Target} was not reached: {Reason}")]
    public static partial void NotReached(this ILogger logger, Destination target, string reason);

    [LoggerMessage(EventId = 22, Message = "Closed {Source}: {Reason}.")]
    public static partial void Refused(this ILogger logger, LogLevel level, EndPoint? source, string reason);

    [LoggerMessage(23, LogLevel.Information, "Closed {Source}: its handshake took longer than {Seconds} s.")]
    public static partial void HandshakeTimedOut(this ILogger logger, EndPoint? source, double seconds);

    [LoggerMessage(24, LogLevel.Debug, "{Source} went away: {Reason}")]
    public static partial void WentAway(this ILogger logger, EndPoint? source, string reason);

    [LoggerMessage(25, LogLevel.Information, "Answered {Source} with {Status}: {Reason}.")]
    public static partial void Answered(this ILogger logger, EndPoint? source, int status, string reason);

    [LoggerMessage(26, LogLevel.Information,
        "{Source} user={User} udp at {Relay} up {Up} datagrams ({UpBytes} bytes) down {Down} ({DownBytes} bytes), dropped {Dropped}, "
            + "refused {Refused}, {Milliseconds} ms, {End}")]
    public static partial void AssociationEnded(
        this ILogger logger, EndPoint? source, string user, EndPoint relay, long up, long upBytes, long down, long downBytes, long dropped,
        long refused, long milliseconds, string end);

    [LoggerMessage(40, LogLevel.Information, "Main connection from {Source}, user={User}.")]
    public static partial void MainConnectionOpened(this ILogger logger, EndPoint? source, string user);

    [LoggerMessage(41, LogLevel.Information, "Main connection from {Source}, user={User}, ended: {Reason}")]
    public static partial void MainConnectionEnded(this ILogger logger, EndPoint? source, string user, string reason);

    [LoggerMessage(EventId = 42, Message = "Closed {Source}: {Reason}.")]
    public static partial void TlsFailed(this ILogger logger, LogLevel level, EndPoint? source, string reason);

    [LoggerMessage(EventId = 43, Message = "Closed {Source}: its key is not authorized. This line in {Path} would let it in: {Pin} NAME")]
    public static partial void NotAuthorized(this ILogger logger, LogLevel level, EndPoint? source, string path, object pin);

    [LoggerMessage(44, LogLevel.Information, "user={User} is not authorized any more: its main connection from {Source} is closed.")]
    public static partial void Revoked(this ILogger logger, string user, EndPoint? source);

    [LoggerMessage(45, LogLevel.Information, "user={User} {Target} was not reached: {Reason}")]
    public static partial void TargetFailed(this ILogger logger, string user, Destination target, string reason);

    [LoggerMessage(46, LogLevel.Debug, "user={User} {Target} connected.")]
    public static partial void TargetConnected(this ILogger logger, string user, Destination target);

    [LoggerMessage(
        EventId = 47,
        Message = "Closed {Source}: it shows no key. The client needs one (--key FILE, or tlsSettings.certificates), "
            + "and its key a line in {Path}.")]
    public static partial void NoKeyShown(this ILogger logger, LogLevel level, EndPoint? source, string path);

    [LoggerMessage(48, LogLevel.Information,
        "{Source} user={User} {Target} up {Up} down {Down} bytes, dropped {Dropped} datagrams, priority {Priority}, "
            + "{Milliseconds} ms, {End}")]
    public static partial void FlowServed(
        this ILogger logger, EndPoint? source, string user, Destination target, long up, long down, long dropped, byte priority,
        long milliseconds, string end);

    [LoggerMessage(50, LogLevel.Information, "Connected to {Server}.")]
    public static partial void Connected(this ILogger logger, string server);

    [LoggerMessage(51, LogLevel.Warning, "No main connection to {Server}: {Reason}")]
    public static partial void ConnectFailed(this ILogger logger, string server, string reason);

    [LoggerMessage(52, LogLevel.Debug, "Still no main connection to {Server}: {Reason}")]
    public static partial void ConnectFailedAgain(this ILogger logger, string server, string reason);

    [LoggerMessage(60, LogLevel.Information, "Read {Path}: {Keys} authorized.")]
    public static partial void AuthorizedKeysRead(this ILogger logger, string path, string keys);

    [LoggerMessage(61, LogLevel.Error, "{Reason} The last good list stays: {Keys}.")]
    public static partial void AuthorizedKeysKept(this ILogger logger, string reason, string keys);

    [LoggerMessage(62, LogLevel.Warning, "{Path} can be read by other users of this machine; 'chmod 600 {SamePath}' takes that away.")]
    public static partial void KeyFileReadable(this ILogger logger, string path, string samePath);

    [LoggerMessage(63, LogLevel.Warning, "{Path} authorizes nobody: it has no line 'sha256:HEX name'.")]
    public static partial void NobodyAuthorized(this ILogger logger, string path);
}
