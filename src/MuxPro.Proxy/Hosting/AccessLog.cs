using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Hosting;

/// <summary>A line for each sub-connection that has ended, or could not be made.</summary>
internal sealed partial class AccessLog(ILogger logger)
{
    /// <summary>The category of its lines.</summary>
    public const string Category = "access";

    public void Write(SessionSource source, Destination target, string? outbound, long up, long down, long milliseconds, string end)
        => Ended(logger, source.InboundTag, source.EndPoint, source.User ?? "-", target, outbound ?? "-", up, down, milliseconds, end);

    public void WriteDatagrams(
        SessionSource source, Destination target, string outbound, long up, long upBytes, long down, long downBytes, long milliseconds, string end)
        => FlowEnded(logger, source.InboundTag, source.EndPoint, source.User ?? "-", target, outbound, up, upBytes, down, downBytes, milliseconds, end);

    [LoggerMessage(70, LogLevel.Information, "{Inbound} {Source} user={User} {Target} -> {Outbound} up {Up} down {Down} bytes, {Milliseconds} ms, {End}")]
    private static partial void Ended(
        ILogger logger, string inbound, EndPoint? source, string user, Destination target, string outbound, long up, long down, long milliseconds, string end);

    [LoggerMessage(71, LogLevel.Information,
        "{Inbound} {Source} user={User} {Target} -> {Outbound} up {UpDatagrams} datagrams ({Up} bytes) down {DownDatagrams} ({Down} bytes), {Milliseconds} ms, {End}")]
    private static partial void FlowEnded(
        ILogger logger, string inbound, EndPoint? source, string user, Destination target, string outbound, long upDatagrams, long up, long downDatagrams,
        long down, long milliseconds, string end);
}
