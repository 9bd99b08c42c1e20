using Microsoft.Extensions.Logging.Abstractions;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Tests.Cli;

public sealed class PriorityOptionTests
{
    [Theory]
    [InlineData(22, 0)]
    [InlineData(443, 64)]
    [InlineData(7_999, null)]
    [InlineData(8_000, 200)]
    [InlineData(8_500, 1)]
    [InlineData(8_999, 200)]
    [InlineData(9_000, null)]
    [InlineData(0, null)]
    public async Task LastRuleThatFits_Counts(int port, int? priority)
    {
        var routing = new RoutingConfiguration { Rules = PriorityOption.ToRules("--priority", ["22=0,443=64,8000-8999=200", "8500=1"]) };
        var router = new Router(routing, TimeProvider.System, NullLogger.Instance);
        Route route = await router.RouteAsync(
            new RouteRequest(Destination.Tcp("a.example", port), "client", null, null), TestContext.Current.CancellationToken);
        Assert.Equal((priority, null), ((int?)route.Priority, route.OutboundTag));
    }
}
