using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class HandshakeLimitTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::2", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void OneNeighbour_OnePlace(string first, string second, bool isSame)
    {
        var limit = new HandshakeLimit(1);
        Assert.True(limit.TryEnter(IPAddress.Parse(first)));
        Assert.Equal(!isSame, limit.TryEnter(IPAddress.Parse(second)));
        limit.Leave(IPAddress.Parse(first));
        Assert.True(limit.TryEnter(IPAddress.Parse(first)));
    }

    [Fact]
    public async Task SilentConnections_AreAQuarterOfAllAtMost()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { MaxConnections = 4 });
        using var first = new TcpClient();
        using var second = new TcpClient();
        await first.ConnectAsync(pair.ServerEndPoint, cancel);
        await second.ConnectAsync(pair.ServerEndPoint, cancel);
        Assert.Contains("127.0.0.1", await pair.ServerLog.WaitAsync(9), StringComparison.Ordinal);
    }
}
