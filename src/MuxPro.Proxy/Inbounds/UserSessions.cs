using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Reaches the targets of one user's main connection, and says who went where, why not, and how it ended.</summary>
internal sealed class UserSessions : IDispatcher
{
    private readonly RoutedDispatcher _dispatcher;
    private readonly MainPeer _peer;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<Link, Dispatched> _open = new();
    private readonly Server _server;

    public UserSessions(RoutedDispatcher dispatcher, MainPeer peer, MuxOptions options, FlowTable flows, ILogger logger)
    {
        _dispatcher = dispatcher;
        _peer = peer;
        _logger = logger;
        _server = new Server(this, options with { HighestPriority = peer.HighestPriority ?? options.HighestPriority })
        {
            SessionEnded = OnEnded,
            Flows = flows,
            Peer = peer.FlowOwner,
        };
    }

    /// <summary>Serves a main connection until it ends.</summary>
    public Task RunAsync(Link link, CancellationToken closing) => _server.RunAsync(link, closing);

    /// <inheritdoc cref="Server.DrainAsync"/>
    public Task<int> DrainAsync(CancellationToken deadline) => _server.DrainAsync(deadline);

    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchAsync(destination, Session.DefaultPriority, cancellationToken);

    public async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        Dispatched dispatched = await ReportedAsync(destination, _dispatcher.DispatchAsync(destination, priority, cancellationToken));
        _open[dispatched.Link] = dispatched;
        return dispatched.Link;
    }

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchDatagramsAsync(destination, new DatagramOptions(), cancellationToken);

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, DatagramOptions options,
        CancellationToken cancellationToken)
        => ReportedAsync(destination, _dispatcher.OpenFlowAsync(destination, options, cancellationToken));

    private async ValueTask<T> ReportedAsync<T>(Destination destination, ValueTask<T> dispatching)
    {
        try
        {
            T target = await dispatching;
            _logger.TargetConnected(_peer.Name, destination);
            return target;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Before the client is told, so that one who asks then finds the reason.
            _logger.TargetFailed(_peer.Name, destination, TargetFailure.Describe(exception));
            throw;
        }
    }

    private void OnEnded(SessionReport report)
    {
        if (report.Destination.Network == Network.Udp)
        {
            // Each way that the flow took has a line of its own; what was dropped on the main connection has only this one.
            _logger.FlowServed(
                _peer.Source, _peer.Name, report.Destination, report.BytesToTarget, report.BytesFromTarget, report.DatagramsDropped,
                report.Priority, (long)report.Duration.TotalMilliseconds, TargetFailure.NameOf(report.Code));
        }
        else if (report.Target is { } link && _open.TryRemove(link, out Dispatched? dispatched))
        {
            _ = dispatched.EndAsync(report.BytesToTarget, report.BytesFromTarget, report.Code).AsTask();
        }
    }
}
