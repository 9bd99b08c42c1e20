using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches the targets of one user's main connection, and says who went where, why not, and how it ended.</summary>
internal sealed class UserSessions(
    IDispatcher targets, string user, EndPoint? source, MuxOptions options, TargetReasons? reasons, ILogger logger) : IDispatcher
{
    /// <summary>Serves a main connection until it ends.</summary>
    public Task RunAsync(Link link, CancellationToken closing)
        => new Server(this, options) { SessionEnded = Report }.RunAsync(link, closing);

    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        try
        {
            Link target = await targets.DispatchAsync(destination, cancellationToken);
            logger.TargetConnected(user, destination);
            return target;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Before the client is told, so that one who asks then finds the reason.
            string reason = TargetFailure.Describe(exception);
            logger.TargetFailed(user, destination, reason);
            reasons?.Add(destination, reason);
            throw;
        }
    }

    private void Report(SessionReport report) => logger.Served(
        source, user, report.Destination, report.BytesToTarget, report.BytesFromTarget, (long)report.Duration.TotalMilliseconds,
        Inbounds.ErrorReplies.Name(report.Code));
}
