using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Outbounds;

public sealed class ProxyOutboundTests : IDisposable
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);

    public ProxyOutboundTests() => _silent.Start();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _silent.Dispose();

    [Theory]
    [InlineData("socks")]
    [InlineData("http")]
    public async Task Proxy_ThatSaysNothing_IsGivenUp(string kind)
    {
        var time = new FakeTimeProvider();
        var sockets = new SocketBudget(10);
        ProxyOutbound outbound = Make(kind, time, sockets);
        Task<IOException> dispatching = Assert.ThrowsAsync<IOException>(
            async () => await outbound.DispatchAsync(Target, Session.DefaultPriority, Cancel));
        using Socket accepted = await _silent.AcceptSocketAsync(Cancel);
        Assert.NotEqual(0, await accepted.ReceiveAsync(new byte[1], SocketFlags.None, Cancel));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains("did not answer within", (await dispatching).Message, StringComparison.Ordinal);
        Assert.Equal(0, sockets.Open);
    }

    [Fact]
    public async Task Sockets_AreLimited_WhereEachConnectionHasItsOwn()
    {
        var sockets = new SocketBudget(1);
        sockets.Enter();
        SessionException exception = await Assert.ThrowsAsync<SessionException>(
            async () => await Make("socks", TimeProvider.System, sockets).DispatchAsync(Target, Session.DefaultPriority, Cancel));
        Assert.Equal(ErrorCode.ResourceExhaustion, exception.ErrorCode);
        Assert.Equal(1, sockets.Open);
    }

    private ProxyOutbound Make(string kind, TimeProvider time, SocketBudget sockets)
    {
        ProxyServerConfiguration[] servers = [new() { Address = "127.0.0.1", Port = ((IPEndPoint)_silent.LocalEndpoint).Port }];
        return new ProxyOutbound(
            new OutboundConfiguration
            {
                Tag = "proxy",
                Settings = kind == "http"
                    ? new HttpOutboundSettings { Servers = servers }
                    : new SocksOutboundSettings { Servers = servers },
            },
            new OutboundContext
            {
                TimeProvider = time,
                LoggerFactory = new LogCollector(),
                Sockets = sockets,
                ConnectTimeout = TimeSpan.FromSeconds(10),
                Keys = new KeyStore(),
                MuxOptions = new MuxOptions(),
            },
            through: null);
    }
}
