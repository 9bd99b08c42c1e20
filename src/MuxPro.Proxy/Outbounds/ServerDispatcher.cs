namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches everything through the server, and reports a server that takes connections and does not negotiate.</summary>
internal sealed class ServerDispatcher(ClientManager manager, ServerDialer dialer) : IDispatcher
{
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        try
        {
            Link link = await manager.DispatchAsync(destination, cancellationToken);
            dialer.OnUp();
            return link;
        }
        catch (MainConnectionException exception) when (exception.Reason is not (MainConnectionEnd.DialFailed or MainConnectionEnd.ClosedLocally))
        {
            dialer.OnNotNegotiated(exception);
            throw;
        }
    }
}
