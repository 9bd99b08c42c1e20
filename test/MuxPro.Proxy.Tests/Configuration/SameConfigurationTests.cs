using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Tests.Configuration;

public sealed class SameConfigurationTests
{
    [Fact]
    public void PartsThatSayTheSame_AreTheSame()
        => Assert.True(SameConfiguration.Is(Rule("domain:a.example"), Rule("domain:a.example")));

    [Fact]
    public void AnotherValueInAList_IsAnotherConfiguration()
        => Assert.False(SameConfiguration.Is(Rule("domain:a.example"), Rule("full:a.example")));

    [Fact]
    public void AnotherRecord_IsAnotherConfiguration()
        => Assert.False(SameConfiguration.Is(new SocksInboundSettings(), new MixedInboundSettings()));

    private static RuleConfiguration Rule(string domain) => new()
    {
        Domain = [DomainPattern.Parse(domain), DomainPattern.Parse("regexp:^b+$")],
        Port = PortRanges.Parse("80,8000-8999"),
        InboundTag = ["in"],
    };
}
