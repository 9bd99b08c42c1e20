using System.Net;

namespace MuxPro.Proxy.Routing;

/// <summary>What a route is asked for.</summary>
/// <param name="Target">Where a connection wants to go.</param>
/// <param name="InboundTag">The inbound that it came in at.</param>
/// <param name="User">Its user, where that is known.</param>
/// <param name="Source">The application's address, where it has one.</param>
internal readonly record struct RouteRequest(Destination Target, string InboundTag, string? User, IPEndPoint? Source);

/// <summary>Which way a connection takes. Where it has neither tag, it is the first outbound.</summary>
/// <param name="OutboundTag">The outbound.</param>
/// <param name="BalancerTag">The balancer that chooses the outbound.</param>
/// <param name="Priority">0 is served first, 255 last; <see langword="null"/> where the rule leaves it as it was asked for.</param>
/// <param name="Rule">The rule's place in the configuration, or -1 where none matched.</param>
internal readonly record struct Route(string? OutboundTag, string? BalancerTag, byte? Priority, int Rule)
{
    /// <summary>What no rule says anything about.</summary>
    public static Route Default { get; } = new(null, null, null, -1);
}
