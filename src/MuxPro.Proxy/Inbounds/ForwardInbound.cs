using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Every connection goes to one target; where that is the special address, it is a main connection (SPEC 7.1).</summary>
/// <param name="dispatcherOf">Reaches targets for one who asks.</param>
/// <param name="target">The target's host.</param>
/// <param name="port">The target's port, or <see langword="null"/> for the one that the connection came in at.</param>
/// <param name="options">Settings.</param>
/// <param name="logger">Gets what goes wrong.</param>
internal sealed class ForwardInbound(
    Func<SessionSource, RoutedDispatcher> dispatcherOf, string target, int? port, InboundOptions options, ILogger logger)
{
    private static readonly byte[] Nothing = [];

    /// <summary>Serves a connection to its end.</summary>
    public async Task ServeAsync(Application application, CancellationToken stopping)
    {
        await using Link link = application.Link;
        var destination = Destination.Tcp(target, port ?? ((IPEndPoint)application.Local!).Port);
        var request = new TunnelRequest(destination, null, null, Nothing, static _ => Nothing);
        var connection = new InboundConnection(application, options, logger);
        RoutedDispatcher dispatcher = dispatcherOf(new SessionSource(options.Tag, null, application.Source));
        try
        {
            await (destination.IsMuxPro || destination.IsMuxCool
                ? connection.BecomeMainAsync(request, dispatcher, stopping) : connection.TunnelAsync(request, dispatcher, stopping));
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            logger.WentAway(application.Source, exception.Message);
            link.Abort(exception);
        }
    }
}
