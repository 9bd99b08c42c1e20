using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Protocol;

namespace MuxPro.Diagnostics;

/// <summary>
/// All messages of the library. Ids 1 to 19: main connections; 20 to 39: sub-connections; 40 to 59: frames; 60 to 79: pool.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Main connection with {Peer} speaks {Version}")]
    public static partial void MainConnectionStarted(this ILogger logger, EndPoint? peer, ProtocolVersion version);

    [LoggerMessage(2, LogLevel.Information, "Main connection with {Peer} ended ({Reason}): {Message}")]
    public static partial void MainConnectionEnded(this ILogger logger, EndPoint? peer, MainConnectionEnd reason, string message);

    [LoggerMessage(6, LogLevel.Information, "Main connection with {Peer} speaks Mux.Cool")]
    public static partial void MuxCoolStarted(this ILogger logger, EndPoint? peer);

    [LoggerMessage(3, LogLevel.Critical, "A loop of the main connection failed")]
    public static partial void LoopFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "The transport did not close in order")]
    public static partial void TransportCloseFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Information, "{Peer} goes away ({Code}): {Text}")]
    public static partial void GoAwayReceived(this ILogger logger, EndPoint? peer, ErrorCode code, string text);

    [LoggerMessage(7, LogLevel.Warning, "The transport of the main connection with {Peer} was closed, and still receives or sends")]
    public static partial void TransportStuck(this ILogger logger, EndPoint? peer);

    [LoggerMessage(20, LogLevel.Debug, "Session {Id} to {Destination} opened")]
    public static partial void SessionOpened(this ILogger logger, ushort id, Destination destination);

    [LoggerMessage(21, LogLevel.Debug, "Session {Id} ended: {Code}")]
    public static partial void SessionEnded(this ILogger logger, ushort id, ErrorCode code);

    [LoggerMessage(22, LogLevel.Debug, "Session {Id} refused with {Code}: {Message}")]
    public static partial void SessionRefused(this ILogger logger, ushort id, ErrorCode code, string message);

    [LoggerMessage(23, LogLevel.Information, "Session {Id} broke the protocol: {Message}")]
    public static partial void SessionViolation(this ILogger logger, ushort id, string message);

    [LoggerMessage(24, LogLevel.Debug, "Session {Id} to {Destination} was not dispatched: {Code}, {Message}")]
    public static partial void DispatchFailed(this ILogger logger, ushort id, Destination destination, ErrorCode code, string message);

    [LoggerMessage(25, LogLevel.Error, "The dispatcher failed for session {Id} to {Destination}")]
    public static partial void DispatcherFaulted(this ILogger logger, ushort id, Destination destination, Exception exception);

    [LoggerMessage(26, LogLevel.Error, "The report on session {Id} to {Destination} failed")]
    public static partial void ReportFailed(this ILogger logger, ushort id, Destination destination, Exception exception);

    [LoggerMessage(27, LogLevel.Debug, "The flow of session {Id} to {Destination} did not close in order")]
    public static partial void FlowCloseFailed(this ILogger logger, ushort id, Destination destination, Exception exception);

    [LoggerMessage(28, LogLevel.Error, "The handler of session {Id} to {Destination} failed")]
    public static partial void HandlerFailed(this ILogger logger, ushort id, Destination destination, Exception exception);

    [LoggerMessage(40, LogLevel.Trace, "Received {Type} of session {Id} with {Length} bytes")]
    public static partial void FrameReceived(this ILogger logger, FrameType type, ushort id, int length);

    [LoggerMessage(60, LogLevel.Warning, "Dialling a main connection failed: {Message}")]
    public static partial void DialFailed(this ILogger logger, string message);
}
