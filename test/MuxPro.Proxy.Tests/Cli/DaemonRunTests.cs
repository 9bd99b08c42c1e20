using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration.Checks;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Cli;

public sealed class DaemonRunTests
{
    private static readonly DaemonConfiguration Tls = new()
    {
        Outbounds =
        [
            new OutboundConfiguration
            {
                Settings = new MuxOutboundSettings(),
                StreamSettings = CommonOptions.ToClientStream(key: null, pins: []),
            },
        ],
    };

    private static readonly DaemonConfiguration Plaintext = new()
    {
        Inbounds =
        [
            new InboundConfiguration { Settings = new MuxInboundSettings(), StreamSettings = CommonOptions.ToServerStream(key: null) },
        ],
    };

    [Fact]
    public void OptionsWithTls_OnASystemWithoutTls13_AreRefusedInOneSentence()
    {
        var refused = Assert.Throws<ConfigurationException>(() => DaemonRun.Check(Tls, Of(hasTls13: false)));
        Assert.Equal(
            "the TLS of this system does not speak version 1.3, which this command needs; "
            + "'muxpro run' takes a configuration with \"minVersion\": \"1.2\".",
            refused.Message);
    }

    [Fact]
    public void OptionsWithTls_OnASystemWithTls13_AreTaken() => DaemonRun.Check(Tls, Of(hasTls13: true));

    [Fact]
    public void OptionsWithoutTls_AreTakenEverywhere() => DaemonRun.Check(Plaintext, Of(hasTls13: false));

    private static Platform Of(bool hasTls13) => new() { HasTls13 = hasTls13, HasTcpUserTimeout = true, HasUnixSockets = true };
}
