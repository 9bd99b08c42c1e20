using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>Datagrams of an application, by SOCKS5 through both programs, to real UDP sockets and back.</summary>
public sealed class DatagramTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 2_048)]
    [InlineData(1, 2_048)]
    [InlineData(0x8001, 65_497)]
    public async Task Echo_EverySize_OneDatagramEach(ushort minor, int largest)
    {
        await using var echo = new UdpEcho();
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with
        {
            Versions = [minor switch { 0 => MuxVersion.V0_0, 1 => MuxVersion.V0_1, _ => MuxVersion.Private }],
        });
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint);
        foreach (int size in new[] { 0, 1, 1_350, 8_192, 65_497 }.Where(size => size <= largest))
        {
            byte[] data = Origin.Bytes(size);
            await application.SendAsync(echo.Destination, data);
            (Destination source, byte[] answer) = await application.ReceiveAsync();
            Assert.Equal(data, answer);
            Assert.Equal(echo.Destination, source);
        }
    }

    [Fact]
    public async Task Dns_IsAnswered()
    {
        // A responder that knows one name: the question comes back with one address.
        await using var responder = new UdpEcho(static query =>
        [
            query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. query[12..], 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7,
        ]);
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint);
        byte[] query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 4, .. "test"u8, 0, 0, 1, 0, 1];

        // By name: the server looks it up.
        await application.SendAsync(Destination.Udp("localhost", responder.Port), query);
        (_, byte[] answer) = await application.ReceiveAsync();
        Assert.Equal("1234", Convert.ToHexString(answer.AsSpan(0, 2)));
        Assert.Equal("C0000207", Convert.ToHexString(answer.AsSpan(answer.Length - 4)));
    }

    [Fact]
    public async Task TwoTargets_SeeOnePort_AThirdMayAnswer()
    {
        await using var first = new UdpEcho();
        await using var second = new UdpEcho();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint);
        await application.SendAsync(first.Destination, [1]);
        await application.ReceiveAsync();
        await application.SendAsync(second.Destination, [2]);
        await application.ReceiveAsync();
        IPEndPoint seen = await first.SeenAsync();
        Assert.Equal(seen, await second.SeenAsync());

        using var third = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        third.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await third.SendToAsync((byte[])[3], SocketFlags.None, seen, Cancel);
        (Destination source, byte[] data) = await application.ReceiveAsync();
        Assert.Equal((((IPEndPoint)third.LocalEndPoint!).Port, 3), (source.Port, data[0]));
    }

    [Fact]
    public async Task MainConnectionKilled_SamePort()
    {
        await using var echo = new UdpEcho();
        await using var relay = await TcpRelay.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(client: options => options with
        {
            Servers = [options.Servers[0] with { Port = relay.Through(Destination.Tcp("127.0.0.1", options.Servers[0].Port!.Value)).Port }],
        });
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint);
        await application.SendAsync(echo.Destination, [1]);
        await application.ReceiveAsync();
        IPEndPoint seen = await echo.SeenAsync();
        relay.CutAll();
        await Load.ExchangeAsync(application, echo, [2]);
        Assert.Equal(seen, await echo.SeenAsync());
    }

    [Fact]
    public async Task PrivateTarget_IsForbidden()
    {
        await using var echo = new UdpEcho();
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { AllowPrivate = false });
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint);
        await application.SendAsync(echo.Destination, [1]);
        Assert.Contains("ProxyRejected (0006)", await pair.ClientLog.WaitAsync(21), StringComparison.Ordinal);
    }
}
