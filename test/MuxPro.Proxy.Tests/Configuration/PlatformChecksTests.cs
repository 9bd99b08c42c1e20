using MuxPro.Proxy.Configuration.Checks;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Tests.Configuration;

public sealed class PlatformChecksTests
{
    private static readonly Platform Everything = new() { HasTls13 = true, HasTcpUserTimeout = true, HasUnixSockets = true };
    private static readonly Platform Nothing = new() { HasTls13 = false, HasTcpUserTimeout = false, HasUnixSockets = false };

    private static readonly StreamConfiguration Asks = new()
    {
        Network = TransportNetwork.Unix,
        Security = TransportSecurity.Tls,
        Sockopt = new SocketConfiguration { TcpUserTimeout = 1000 },
    };

    [Fact]
    public void WhatTheSystemHas_IsNoFinding() => Assert.Empty(PlatformChecks.Find(Asks, Everything));

    [Fact]
    public void WhatTheSystemHasNot_IsSaid_WithWhatToWriteInstead() => Assert.Collection(
        PlatformChecks.Find(Asks, Nothing),
        static finding => Assert.Equal(
            ("minVersion", "the TLS of this system does not speak version 1.3; write \"minVersion\": \"1.2\".", false),
            (finding.Field, finding.Message, finding.IsWarning)),
        static finding => Assert.Equal(
            ("network", "this system has no Unix domain sockets; write \"tcp\" or \"ws\".", false),
            (finding.Field, finding.Message, finding.IsWarning)),
        static finding => Assert.Equal(("tcpUserTimeout", true), (finding.Field, finding.IsWarning)));

    [Fact]
    public void WhatIsNotAskedFor_IsNoFinding() => Assert.Empty(PlatformChecks.Find(new StreamConfiguration(), Nothing));

    [Fact]
    public void TheSystemOfThisTest_HasEverythingOnLinux()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Says what Linux has.");
        Assert.Equal(Everything, Platform.Current);
    }
}
