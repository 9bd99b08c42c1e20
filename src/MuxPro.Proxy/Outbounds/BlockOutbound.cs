using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Http;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Refuses everything.</summary>
internal sealed class BlockOutbound(string tag, BlockOutboundSettings settings, TimeProvider time) : Outbound(tag, time)
{
    private static readonly byte[] Forbidden = HttpReply.Error(new HttpStatusException(403, "blocked by a rule"));

    public override async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        if (settings.Response.Type == BlockResponseType.None)
        {
            throw Refusal(destination);
        }

        (Link near, Link far) = Link.CreatePair();
        await far.Output.WriteAsync(Forbidden, cancellationToken);
        await far.Output.CompleteAsync();
        await far.Input.CompleteAsync();
        return near;
    }

    public override ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
        => ValueTask.FromException<DatagramLink>(Refusal(first));

    private SessionException Refusal(Destination destination)
        => new(ErrorCode.ProxyRejected, $"{destination} is blocked by outbound '{Tag}'.");
}
