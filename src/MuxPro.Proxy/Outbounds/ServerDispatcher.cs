namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches everything through the servers, with the priority that the destination's port has.</summary>
internal sealed class ServerDispatcher(ClientManager manager, PriorityRules priorities) : IDispatcher
{
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => await manager.ConnectAsync(destination, priorities.Of(destination.Port), cancellationToken);

    public async ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => await manager.OpenDatagramsAsync(destination, options with { Priority = priorities.Of(destination.Port) }, cancellationToken);
}
