using System.Net;
using Microsoft.AspNetCore.Connections;

namespace MuxPro.AspNetCore.Transport;

/// <summary>The transport that lets Kestrel listen on <see cref="MuxEndPoint"/>s, beside the others that it has.</summary>
internal sealed class SubConnectionListenerFactory(SubConnectionRouter router)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is MuxEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not MuxEndPoint muxEndPoint)
        {
            throw new NotSupportedException($"{endpoint} is not a {nameof(MuxEndPoint)}.");
        }

        var listener = new SubConnectionListener(muxEndPoint, router);
        router.Add(listener);
        return ValueTask.FromResult<IConnectionListener>(listener);
    }
}
