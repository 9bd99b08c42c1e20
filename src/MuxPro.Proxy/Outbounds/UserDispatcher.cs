using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Reports what one user's sub-connections asked for.</summary>
internal sealed class UserDispatcher(IDispatcher inner, string user, ILogger logger) : IDispatcher
{
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        try
        {
            Link link = await inner.DispatchAsync(destination, cancellationToken);
            logger.TargetConnected(user, destination);
            return link;
        }
        catch (Exception exception)
        {
            logger.TargetFailed(user, destination, exception.Message);
            throw;
        }
    }
}
