using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Outbounds;

public sealed class SocksDatagramLinkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Datagrams_GoToAnyTarget_AndComeBackWithTheirSource()
    {
        var budget = new SocketBudget(100);
        await using var proxy = new LocalProxy();
        await using var first = new UdpEcho();
        await using var second = new UdpEcho();
        await using (DatagramLink flow = await AssociateAsync(proxy, first.Destination, budget))
        {
            Assert.True(flow.IsFullCone);
            (Destination, int)[] questions = [(first.Destination, 0), (second.Destination, 1), (first.Destination, 60_000)];
            foreach ((Destination target, int length) in questions)
            {
                byte[] data = Origin.Bytes(length);
                Assert.True(await flow.SendAsync(data, target, Cancel));
                Datagram answer = (await flow.ReceiveAsync(Cancel))!.Value;
                Assert.Equal(target, answer.Address);
                Assert.Equal(data, answer.Data);
            }

            // A name goes as it is: the proxy looks it up.
            Assert.True(await flow.SendAsync("name"u8.ToArray(), Destination.Udp("localhost", first.Port), Cancel));
            Datagram named = (await flow.ReceiveAsync(Cancel))!.Value;
            Assert.Equal("name"u8.ToArray(), named.Data);

            Assert.False(await flow.SendAsync(new byte[DatagramLink.MaxDatagram], first.Destination, Cancel));
            Assert.Equal(1, flow.Dropped);
            Assert.Equal(1, budget.Open);
        }

        Assert.Equal(0, budget.Open);
    }

    [Fact]
    public async Task Flow_EndsWithItsConnection()
    {
        await using var echo = new UdpEcho();
        var proxy = new LocalProxy();
        await using DatagramLink flow = await AssociateAsync(proxy, echo.Destination, new SocketBudget(100));
        ValueTask<Datagram?> receiving = flow.ReceiveAsync(Cancel);
        await proxy.DisposeAsync();
        await EndedAsync(() => receiving);
        await EndedAsync(() => flow.ReceiveAsync(Cancel));
    }

    [Fact]
    public async Task Abort_WakesTheReceiver()
    {
        await using var proxy = new LocalProxy();
        await using var echo = new UdpEcho();
        await using DatagramLink flow = await AssociateAsync(proxy, echo.Destination, new SocketBudget(100));
        ValueTask<Datagram?> receiving = flow.ReceiveAsync(Cancel);
        flow.Abort();
        await Assert.ThrowsAsync<SessionException>(async () => await receiving);
        await Assert.ThrowsAsync<SessionException>(async () => await flow.SendAsync(new byte[1], null, Cancel));
    }

    [Fact]
    public async Task CancelledReceive_LosesNothing()
    {
        await using var proxy = new LocalProxy();
        await using var echo = new UdpEcho();
        await using DatagramLink flow = await AssociateAsync(proxy, echo.Destination, new SocketBudget(100));
        for (int i = 0; i < 20; i++)
        {
            using var cancelling = new CancellationTokenSource();
            ValueTask<Datagram?> receiving = flow.ReceiveAsync(cancelling.Token);
            await flow.SendAsync(new[] { (byte)i }, null, Cancel);
            await cancelling.CancelAsync();
            Datagram? datagram;
            try
            {
                datagram = await receiving;
            }
            catch (OperationCanceledException)
            {
                datagram = await flow.ReceiveAsync(Cancel);
            }

            Assert.Equal(i, datagram!.Value.Data.Span[0]);
        }
    }

    [Fact]
    public async Task Strangers_AndNonsense_AreNotReceived()
    {
        (Link client, Link server) = await OneConnection.MakeAsync();
        using var relay = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        relay.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)relay.LocalEndPoint!).Port;

        // 0.0.0.0 is the proxy's own address.
        await server.AsStream().WriteAsync((byte[])[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, (byte)(port >> 8), (byte)port], Cancel);
        await using (server)
        {
            await using DatagramLink flow = await SocksClient.AssociateAsync(
                client, "proxy.example", "127.0.0.1", Destination.Udp("target.example", 53), null, Direct(new SocketBudget(10)), Cancel);
            await flow.SendAsync("q"u8.ToArray(), null, Cancel);
            byte[] buffer = new byte[100];
            SocketReceiveFromResult question = await relay.ReceiveFromAsync(
                buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), Cancel);
            Assert.Equal(
                "000000030e7461726765742e6578616d706c65003571", Convert.ToHexStringLower(buffer.AsSpan(0, question.ReceivedBytes)));

            using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            byte[] good = [0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 1];
            await stranger.SendToAsync(good, SocketFlags.None, question.RemoteEndPoint, Cancel);
            await relay.SendToAsync((byte[])[0, 0, 1, .. good.AsSpan(3)], SocketFlags.None, question.RemoteEndPoint, Cancel); // a fragment
            await relay.SendToAsync((byte[])[0, 0], SocketFlags.None, question.RemoteEndPoint, Cancel);
            await relay.SendToAsync((byte[])[], SocketFlags.None, question.RemoteEndPoint, Cancel);
            await relay.SendToAsync((byte[])[.. good.AsSpan(0, 10), 2], SocketFlags.None, question.RemoteEndPoint, Cancel);
            Datagram answer = (await flow.ReceiveAsync(Cancel))!.Value;
            Assert.Equal(2, answer.Data.Span[0]);
            Assert.Equal(Destination.Udp("192.0.2.1", 53), answer.Address);
            Assert.Equal(3, flow.Dropped);
        }
    }

    /// <summary>A name is looked up elsewhere: whoever answers first from its port is the proxy.</summary>
    [Fact]
    public async Task Proxy_ThatIsAName_IsWhoAnswersFirst()
    {
        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(Destination.Udp("relay.example", 1080));
        (Link control, Link server) = Link.CreatePair();
        await using (server)
        {
            await using DatagramLink flow = SocksDatagramLink.Start(control, near, Destination.Udp("target.example", 53));
            byte[] datagram = [0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 0];
            foreach ((string source, byte number) in (IEnumerable<(string, byte)>)
                [("192.0.2.9:1081", 1), ("192.0.2.9:1080", 2), ("198.51.100.1:1080", 3), ("192.0.2.9:1080", 4)])
            {
                datagram[^1] = number;
                await far.SendAsync(datagram, Destination.Parse($"udp:{source}"), Cancel);
            }

            Assert.Equal(2, (await flow.ReceiveAsync(Cancel))!.Value.Data.Span[0]);
            Assert.Equal(4, (await flow.ReceiveAsync(Cancel))!.Value.Data.Span[0]);
        }
    }

    [Fact]
    public async Task Redirected_TakesAnswersOfItsTargetAlone()
    {
        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(Destination.Udp("192.0.2.1", 53));
        var asked = Destination.Udp("asked.example", 53);
        await using DatagramLink flow = new RedirectedDatagramLink(near, asked);
        await far.SendAsync(new byte[] { 1 }, Destination.Udp("198.51.100.1", 53), Cancel);
        await far.SendAsync(new byte[] { 2 }, Destination.Udp("192.0.2.1", 53), Cancel);
        Datagram answer = (await flow.ReceiveAsync(Cancel))!.Value;
        Assert.Equal((2, asked), (answer.Data.Span[0], answer.Address));
    }

    [Theory]
    [InlineData("00000000", "udp:proxy.example:9")]
    [InlineData("C0000205", "udp:192.0.2.5:9")]
    [InlineData("00000000000000000000FFFFC0000205", "udp:192.0.2.5:9")]
    [InlineData("00000000000000000000000000000000", "udp:proxy.example:9")]
    public async Task WhereTheProxyTakesDatagrams_IsWhatItSays(string told, string expected)
    {
        Destination? opened = null;
        await AskAsync(
            told, relay => (opened = relay, new SessionException(ErrorCode.ResourceExhaustion, "no more")).Item2, expectsSession: true);
        Assert.Equal(Destination.Parse(expected), opened);
    }

    /// <summary>No way to where the proxy takes datagrams is the proxy's fault: the next one is tried, and no target is blamed.</summary>
    [Fact]
    public async Task NoWayToTheProxysAddress_IsTheProxysFault()
        => await AskAsync("C0000205", static _ => new SessionException(ErrorCode.DestinationUnreachable, "no way"), expectsSession: false);

    private static async Task AskAsync(string told, Func<Destination, SessionException> failure, bool expectsSession)
    {
        (Link client, Link server) = Link.CreatePair();
        await using (server)
        {
            byte[] address = Convert.FromHexString(told);
            await server.AsStream().WriteAsync((byte[])[5, 0, 5, 0, 0, address.Length == 4 ? (byte)1 : (byte)4, .. address, 0, 9], Cancel);
            IOException exception = await Assert.ThrowsAnyAsync<IOException>(async () => await SocksClient.AssociateAsync(
                client, "p", "proxy.example", Destination.Udp("target.example", 53), null, (relay, _) => throw failure(relay), Cancel));
            Assert.Equal(expectsSession, exception is SessionException);
        }
    }

    private static async Task EndedAsync(Func<ValueTask<Datagram?>> receive)
    {
        try
        {
            Assert.Null(await receive());
        }
        catch (SessionException)
        {
            // Cut: ended, too.
        }
    }

    private static async Task<DatagramLink> AssociateAsync(LocalProxy proxy, Destination first, SocketBudget budget)
        => await SocksClient.AssociateAsync(await proxy.ConnectAsync(), proxy.Name, "nowhere.example", first, null, Direct(budget), Cancel);

    private static Func<Destination, CancellationToken, ValueTask<DatagramLink>> Direct(SocketBudget budget)
        => new DirectDispatcher(
            new DirectOptions { CreateDatagramSocket = family => CountedSocket.ForDatagrams(family, budget) }).DispatchDatagramsAsync;
}
