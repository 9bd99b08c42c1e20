namespace MuxPro.Proxy.Outbounds;

/// <summary>Reaches destinations, and opens flows of datagrams that keep their public address when the way there is replaced.</summary>
internal interface IFlowDispatcher : IDispatcher
{
    /// <summary>Opens a flow of datagrams.</summary>
    /// <param name="first">A UDP destination: the first target.</param>
    /// <param name="globalId">Names the flow beyond one main connection (SPEC 7.2).</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="MuxException">There is no flow to be had.</exception>
    ValueTask<DatagramLink> OpenFlowAsync(Destination first, ulong globalId, CancellationToken cancellationToken);
}
