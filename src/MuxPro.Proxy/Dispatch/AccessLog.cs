using System.Net;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Dispatch;

/// <summary>A line for each sub-connection that has ended, or could not be made.</summary>
internal sealed partial class AccessLog(ILogger logger)
{
    /// <summary>The category of its lines.</summary>
    public const string Category = "access";

    public void Write(SessionSource source, Destination target, string? outbound, long up, long down, byte priority, long milliseconds,
        string end)
        => Ended(logger, source.InboundTag, source.EndPoint, source.User ?? "-", target, outbound ?? "-", up, down, priority, milliseconds,
            end);

    public void WriteDatagrams(SessionSource source, Destination target, string outbound, DatagramCounts counts, byte priority,
        long milliseconds, string end)
        => FlowEnded(
            logger, source.InboundTag, source.EndPoint, source.User ?? "-", target, outbound, counts.Up, counts.UpBytes, counts.Down,
                counts.DownBytes,
            counts.Dropped, priority, milliseconds, end);

    [LoggerMessage(70, LogLevel.Information,
        "{Inbound} {Source} user={User} {Target} -> {Outbound} up {Up} down {Down} bytes, priority {Priority}, {Milliseconds} ms, {End}")]
    private static partial void Ended(
        ILogger logger, string inbound, EndPoint? source, string user, Destination target, string outbound, long up, long down,
            byte priority,
        long milliseconds, string end);

    [LoggerMessage(71, LogLevel.Information,
        "{Inbound} {Source} user={User} {Target} -> {Outbound} up {UpDatagrams} datagrams ({Up} bytes) down {DownDatagrams} ({Down} bytes)"
        + ", dropped {Dropped}, priority {Priority}, {Milliseconds} ms, {End}")]
    private static partial void FlowEnded(
        ILogger logger, string inbound, EndPoint? source, string user, Destination target, string outbound, long upDatagrams, long up,
            long downDatagrams,
        long down, long dropped, byte priority, long milliseconds, string end);
}
