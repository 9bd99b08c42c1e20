using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Tests.Outbounds;

public sealed class PriorityRulesTests
{
    [Theory]
    [InlineData(22, 0)]
    [InlineData(443, 64)]
    [InlineData(7_999, 128)]
    [InlineData(8_000, 200)]
    [InlineData(8_500, 1)]
    [InlineData(8_999, 200)]
    [InlineData(9_000, 128)]
    [InlineData(0, 128)]
    public void LastRuleThatFits_Counts(int port, byte priority)
        => Assert.Equal(priority, PriorityRules.None.With("22=0,443=64,8000-8999=200").With("8500=1").Of(port));
}
