using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches the targets of one user's main connection, and says who went where, why not, and how it ended.</summary>
internal sealed class UserSessions : IDispatcher
{
    private readonly IDispatcher _targets;
    private readonly MuxPeer _peer;
    private readonly TargetReasons? _reasons;
    private readonly ILogger _logger;
    private readonly AccessLog? _access;
    private readonly SessionSource _source;
    private readonly Server _server;

    public UserSessions(IDispatcher targets, MuxPeer peer, MuxInboundOptions options, ILogger logger)
    {
        _targets = targets;
        _peer = peer;
        _reasons = options.Reasons;
        _logger = logger;
        _access = options.AccessLog;
        _source = new SessionSource(options.Tag, peer.User, peer.Source);
        _server = new Server(this, options.MuxOptions with { HighestPriority = peer.HighestPriority ?? options.MuxOptions.HighestPriority })
        {
            SessionEnded = Report,
            Flows = options.Flows,
            Peer = peer.FlowOwner,
        };
    }

    /// <summary>Serves a main connection until it ends.</summary>
    public Task RunAsync(Link link, CancellationToken closing) => _server.RunAsync(link, closing);

    /// <inheritdoc cref="Server.DrainAsync"/>
    public Task<int> DrainAsync(CancellationToken deadline) => _server.DrainAsync(deadline);

    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchAsync(destination, Session.DefaultPriority, cancellationToken);

    public ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => ReportedAsync(destination, _targets.DispatchAsync(destination, priority, cancellationToken));

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchDatagramsAsync(destination, new DatagramOptions(), cancellationToken);

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => ReportedAsync(destination, _targets.DispatchDatagramsAsync(destination, options, cancellationToken));

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
            string reason = TargetFailure.Describe(exception);
            _logger.TargetFailed(_peer.Name, destination, reason);
            _reasons?.Add(destination, reason);
            throw;
        }
    }

    private void Report(SessionReport report)
    {
        if (_access is null)
        {
            ReportServed(report);
        }
        else if (report.Destination.Network == Network.Tcp)
        {
            // Flows of datagrams are reported by each outbound that they take.
            _access.Write(
                _source, report.Destination, (_targets as IRoutes)?.End(report.Destination), report.BytesToTarget, report.BytesFromTarget,
                (long)report.Duration.TotalMilliseconds, ErrorReplies.Name(report.Code));
        }
    }

    private void ReportServed(SessionReport report) => _logger.Served(
        _peer.Source, _peer.Name, report.Destination, report.BytesToTarget, report.BytesFromTarget,
        report.Destination.Network == Network.Udp ? $", dropped {report.DatagramsDropped} datagrams" : "",
        report.Priority, (long)report.Duration.TotalMilliseconds, ErrorReplies.Name(report.Code));
}
