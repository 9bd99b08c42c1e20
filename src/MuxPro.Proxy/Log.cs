using System.Net;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy;

/// <summary>
/// Everything the program logs. Ids: 1-19 listeners, 20-39 inbounds for applications, 40-59 main connections, 60-69 keys.
/// What a peer does wrong is Information at most: it is not our fault, and it can be repeated at will.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {EndPoint}.")]
    public static partial void Listening(this ILogger logger, EndPoint endPoint);

    [LoggerMessage(2, LogLevel.Warning, "Cannot accept a connection on {EndPoint}: {Reason}. Trying again.")]
    public static partial void AcceptFailed(this ILogger logger, EndPoint endPoint, string reason);

    [LoggerMessage(3, LogLevel.Information, "Closed {Source}: {Limit} connections are open on {EndPoint}.")]
    public static partial void TooManyConnections(this ILogger logger, EndPoint? source, int limit, EndPoint endPoint);

    [LoggerMessage(4, LogLevel.Error, "A connection on {EndPoint} failed in a way that should not be.")]
    public static partial void ConnectionFailed(this ILogger logger, EndPoint endPoint, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "Stopped while {Count} connections on {EndPoint} had not ended.")]
    public static partial void StoppedEarly(this ILogger logger, int count, EndPoint endPoint);

    [LoggerMessage(20, LogLevel.Information, "{Source} {User} {Target} up {Up} down {Down} bytes, {Milliseconds} ms, {End}")]
    public static partial void Access(
        this ILogger logger, EndPoint? source, string user, Destination target, long up, long down, long milliseconds, string end);

    [LoggerMessage(21, LogLevel.Warning, "{Target} was not reached: {Reason}")]
    public static partial void NotReached(this ILogger logger, Destination target, string reason);

    [LoggerMessage(22, LogLevel.Information, "Closed {Source}: {Reason}.")]
    public static partial void Refused(this ILogger logger, EndPoint? source, string reason);

    [LoggerMessage(23, LogLevel.Information, "Closed {Source}: its handshake took longer than {Seconds} s.")]
    public static partial void HandshakeTimedOut(this ILogger logger, EndPoint? source, double seconds);

    [LoggerMessage(24, LogLevel.Debug, "{Source} went away: {Reason}")]
    public static partial void WentAway(this ILogger logger, EndPoint? source, string reason);

    [LoggerMessage(25, LogLevel.Information, "Answered {Source} with {Status}: {Reason}.")]
    public static partial void Answered(this ILogger logger, EndPoint? source, int status, string reason);

    [LoggerMessage(40, LogLevel.Information, "Main connection from {Source}, {User}.")]
    public static partial void MainConnectionOpened(this ILogger logger, EndPoint? source, string user);

    [LoggerMessage(41, LogLevel.Information, "Main connection from {Source}, {User}, ended: {Reason}")]
    public static partial void MainConnectionEnded(this ILogger logger, EndPoint? source, string user, string reason);

    [LoggerMessage(42, LogLevel.Information, "Closed {Source}: no TLS handshake as it is expected here: {Reason}")]
    public static partial void TlsFailed(this ILogger logger, EndPoint? source, string reason);

    [LoggerMessage(43, LogLevel.Information, "Closed {Source}: the key {Pin} is not authorized.")]
    public static partial void NotAuthorized(this ILogger logger, EndPoint? source, string pin);

    [LoggerMessage(44, LogLevel.Information, "{User} is not authorized any more: its main connection from {Source} is closed.")]
    public static partial void Revoked(this ILogger logger, string user, EndPoint? source);

    [LoggerMessage(45, LogLevel.Information, "{User} {Target} failed: {Reason}")]
    public static partial void TargetFailed(this ILogger logger, string user, Destination target, string reason);

    [LoggerMessage(46, LogLevel.Debug, "{User} {Target} connected.")]
    public static partial void TargetConnected(this ILogger logger, string user, Destination target);

    [LoggerMessage(50, LogLevel.Information, "Main connection to {Server} is up.")]
    public static partial void Connected(this ILogger logger, string server);

    [LoggerMessage(51, LogLevel.Warning, "No main connection to {Server}: {Reason}")]
    public static partial void ConnectFailed(this ILogger logger, string server, string reason);

    [LoggerMessage(52, LogLevel.Debug, "Still no main connection to {Server}: {Reason}")]
    public static partial void ConnectFailedAgain(this ILogger logger, string server, string reason);

    [LoggerMessage(60, LogLevel.Information, "Read {Path}: {Count} keys are authorized.")]
    public static partial void AuthorizedKeysRead(this ILogger logger, string path, int count);

    [LoggerMessage(61, LogLevel.Error, "{Reason} The last good list of {Count} keys stays.")]
    public static partial void AuthorizedKeysKept(this ILogger logger, string reason, int count);

    [LoggerMessage(62, LogLevel.Warning, "{Path} can be read by other users of this machine; 'chmod 600 {SamePath}' takes that away.")]
    public static partial void KeyFileReadable(this ILogger logger, string path, string samePath);
}
