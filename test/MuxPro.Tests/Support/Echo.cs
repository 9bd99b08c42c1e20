namespace MuxPro.Tests.Support;

/// <summary>Every destination is a target that sends everything back.</summary>
internal sealed class Echo : IDispatcher
{
    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        (Link near, Link far) = Link.CreatePair();
        _ = EchoAsync(far);
        return ValueTask.FromResult(near);
    }

    private static async Task EchoAsync(Link link)
    {
        try
        {
            await link.Input.CopyToAsync(link.Output);
        }
        catch (IOException)
        {
            // The client is gone.
        }

        await link.DisposeAsync();
    }
}
