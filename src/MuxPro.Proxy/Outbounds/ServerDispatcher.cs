namespace MuxPro.Proxy.Outbounds;

/// <summary>
/// Reaches everything through the servers, with the priority that the destination's port has, and reports a server that takes connections and
/// does not negotiate.
/// </summary>
internal sealed class ServerDispatcher(ClientManager manager, ServerDialers dialers, PriorityRules priorities) : IFlowDispatcher
{
    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => ReportedAsync<Link, Session>(manager.ConnectAsync(destination, priorities.Of(destination.Port), cancellationToken));

    public ValueTask<DatagramLink> OpenFlowAsync(Destination first, ulong globalId, CancellationToken cancellationToken)
        => ReportedAsync<DatagramLink, DatagramSession>(manager.OpenDatagramsAsync(
            first, new DatagramOptions { Priority = priorities.Of(first.Port), GlobalId = globalId }, cancellationToken));

    private async ValueTask<TLink> ReportedAsync<TLink, TOpened>(ValueTask<TOpened> opening)
        where TOpened : TLink
    {
        try
        {
            TLink link = await opening;
            dialers.OnUp();
            return link;
        }
        catch (MainConnectionException exception) when (exception.Reason is not (MainConnectionEnd.DialFailed or MainConnectionEnd.ClosedLocally))
        {
            dialers.OnNotNegotiated(exception);
            throw;
        }
    }
}
