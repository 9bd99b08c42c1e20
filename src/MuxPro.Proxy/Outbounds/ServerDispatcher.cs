namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches everything through the servers, with the priority that the destination's port has.</summary>
internal sealed class ServerDispatcher(ClientManager manager, PriorityRules priorities) : IFlowDispatcher
{
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => await manager.ConnectAsync(destination, priorities.Of(destination.Port), cancellationToken);

    public async ValueTask<DatagramLink> OpenFlowAsync(Destination first, ulong globalId, CancellationToken cancellationToken)
        => await manager.OpenDatagramsAsync(
            first, new DatagramOptions { Priority = priorities.Of(first.Port), GlobalId = globalId }, cancellationToken);
}
