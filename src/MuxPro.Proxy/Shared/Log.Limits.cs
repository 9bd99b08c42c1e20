using System.Net;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Shared;

/// <summary>What the program logs where a limit is reached or a check fails.</summary>
internal static partial class Log
{
    [LoggerMessage(8, LogLevel.Warning,
        "Closed a connection on {EndPoint}: {Limit} sockets are open, more than that 'ulimit -n' does not allow here. "
            + "{Count} others since this was said.")]
    public static partial void NoSocketsLeft(this ILogger logger, EndPoint endPoint, int limit, int count);

    [LoggerMessage(9, LogLevel.Information, "Closed a connection from {Address}: {Limit} others of it are in their handshake.")]
    public static partial void TooManyHandshakes(this ILogger logger, IPAddress address, int limit);

    [LoggerMessage(10, LogLevel.Warning, "Cut what was open ({Count}): {Reason}.")]
    public static partial void CutByDrain(this ILogger logger, int count, string reason);

    [LoggerMessage(53, LogLevel.Information, "Stopped while main connections had not ended.")]
    public static partial void ManagerStoppedEarly(this ILogger logger);

    [LoggerMessage(64, LogLevel.Error, "Looking for keys that are not authorized any more failed in a way that should not be.")]
    public static partial void KeyCheckFailed(this ILogger logger, Exception exception);

    [LoggerMessage(80, LogLevel.Debug, "{Target} was not looked up for rules by 'ip': {Reason}")]
    public static partial void NameNotLookedUp(this ILogger logger, Destination target, string reason);

    [LoggerMessage(
        81, LogLevel.Warning,
        "The rule by 'regexp:{Regex}' took too long to compare with a name, and counts as not matching. "
            + "{Count} others since this was said.")]
    public static partial void RegexTimedOut(this ILogger logger, string regex, int count);

    [LoggerMessage(
        82, LogLevel.Warning, "Dropped a datagram on {EndPoint}: {Limit} sockets are served at once. {Count} others since this was said.")]
    public static partial void TooManyFlows(this ILogger logger, EndPoint endPoint, int limit, int count);

    [LoggerMessage(65, LogLevel.Information, "Read {Path}: a certificate until {NotAfter:yyyy-MM-dd}.")]
    public static partial void CertificateRead(this ILogger logger, string path, DateTime notAfter);

    [LoggerMessage(66, LogLevel.Error, "{Reason} What was read before stays.")]
    public static partial void FilesKept(this ILogger logger, string reason);

    [LoggerMessage(67, LogLevel.Information, "Read {Path}: certificates of authorities: {Count}.")]
    public static partial void AuthoritiesRead(this ILogger logger, string path, int count);

    [LoggerMessage(90, LogLevel.Information, "The configuration was read again ({Why}) and counts from now on: {Summary}.")]
    public static partial void ConfigurationRead(this ILogger logger, string why, string summary);

    [LoggerMessage(91, LogLevel.Error, "The configuration was read again ({Why}) and is not good: the last good one stays.")]
    public static partial void ConfigurationKept(this ILogger logger, string why);

    [LoggerMessage(92, LogLevel.Error, "{Problem}")]
    public static partial void ConfigurationProblem(this ILogger logger, string problem);

    [LoggerMessage(93, LogLevel.Warning, "{Problem}")]
    public static partial void ConfigurationWarning(this ILogger logger, string problem);

    [LoggerMessage(94, LogLevel.Error, "{Reason}")]
    public static partial void ReloadFailed(this ILogger logger, string reason);
}
