using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>A flow with a socket of its own: what targets see of it, and what comes back.</summary>
public sealed class UdpLinkTests
{
    private static readonly byte[] Ping = "ping"u8.ToArray();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Targets_SeeOnePort_AndAnySourceAnswers()
    {
        using var first = new UdpPeer();
        using var second = new UdpPeer("127.0.0.2");
        using var third = new UdpPeer("127.0.0.3");
        await using UdpLink flow = await OpenAsync(first.Destination);
        Assert.True(flow.IsFullCone);
        Assert.True(await flow.SendAsync(Ping, null, Cancel));
        Assert.True(await flow.SendAsync(Ping, second.Destination, Cancel));
        IPEndPoint seen = (await first.ReceiveAsync()).Source;
        Assert.Equal(seen, (await second.ReceiveAsync()).Source);

        third.Send("stranger"u8.ToArray(), seen);
        (byte[] data, Destination source) = await ReceiveAsync(flow);
        Assert.Equal("stranger"u8.ToArray(), data);
        Assert.Equal(third.Destination, source);
    }

    [Fact]
    public async Task Families_ShareTheSocket()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "No IPv6 here.");
        using var four = new UdpPeer();
        using var six = new UdpPeer("::1");
        await using UdpLink flow = await OpenAsync(four.Destination);
        await flow.SendAsync(Ping, null, Cancel);
        await flow.SendAsync(Ping, six.Destination, Cancel);
        IPEndPoint seen = (await four.ReceiveAsync()).Source;
        IPEndPoint seenBySix = (await six.ReceiveAsync()).Source;
        Assert.Equal(seen.Port, seenBySix.Port);
        six.Send(Ping, seenBySix);
        Assert.Equal(six.Destination, (await ReceiveAsync(flow)).Source);
        four.Send(Ping, seen);
        Assert.Equal(four.Destination, (await ReceiveAsync(flow)).Source);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1350)]
    [InlineData(8192)]
    [InlineData(65_507)]
    public async Task Datagram_IsOnePayload(int length)
    {
        byte[] payload = new Payload(length).Take(0, length);
        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        Assert.True(await flow.SendAsync(payload, null, Cancel));
        Assert.True(await flow.SendAsync(Ping, null, Cancel));
        (byte[] data, IPEndPoint source) = await peer.ReceiveAsync();
        Assert.Equal(payload, data);
        Assert.Equal(Ping, (await peer.ReceiveAsync()).Data);

        peer.Send(payload, source);
        peer.Send(Ping, source);
        Assert.Equal(payload, (await ReceiveAsync(flow)).Data);
        Assert.Equal(Ping, (await ReceiveAsync(flow)).Data);

        // And where the receiver waits for it.
        Task<(byte[] Data, Destination Source)> waiting = ReceiveAsync(flow);
        peer.Send(payload, source);
        Assert.Equal(payload, (await waiting).Data);
        Assert.Equal(0, flow.Dropped);
    }

    [Fact]
    public async Task Datagram_TooLarge_DroppedAndCounted()
    {
        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        Assert.False(await flow.SendAsync(new byte[65_508], null, Cancel));
        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task Burst_DeliveredAndCountedDrops_AreAll()
    {
        const int Sent = 10_000;
        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        byte[] data = new byte[1350];
        for (int i = 0; i < Sent; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(data, i);
            data.AsSpan(4).Fill((byte)i);
            peer.Send(data, flow);
        }

        int delivered = 0;
        int last = -1;
        while (delivered + flow.Dropped < Sent)
        {
            (byte[] received, Destination _) = await ReceiveAsync(flow);
            int number = BinaryPrimitives.ReadInt32BigEndian(received);
            Assert.True(number > last);
            Assert.Equal(1350, received.Length);
            Assert.False(received.AsSpan(4).ContainsAnyExcept((byte)number));
            last = number;
            delivered++;
        }

        // Nothing is left: what was counted as dropped is not delivered as well.
        Assert.Equal(Sent, delivered + flow.Dropped);
        peer.Send(Ping, flow);
        Assert.Equal(Ping, (await ReceiveAsync(flow)).Data);
        await flow.DisposeAsync();
        Assert.Equal(Sent, delivered + flow.Dropped);
    }

    [Fact]
    public async Task Receive_Cancelled_LosesNone_AndIdleHoldsNoMemory()
    {
        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        for (int round = 0; round < 100; round++)
        {
            using var cancel = new CancellationTokenSource();
            Task<Datagram?> receiving = flow.ReceiveAsync(cancel.Token).AsTask();
            Assert.False(flow.HoldsBuffer);
            Task cancelling = Task.Run(cancel.Cancel, Cancel);
            peer.Send([(byte)round], flow);
            await cancelling;
            byte[] data;
            try
            {
                data = (await receiving.Guarded())!.Value.Data.ToArray();
            }
            catch (OperationCanceledException)
            {
                data = (await ReceiveAsync(flow)).Data;
            }

            Assert.Equal([(byte)round], data);
        }
    }

    [Fact]
    public async Task ClosedTarget_DoesNotEndTheFlow()
    {
        Destination closed;
        using (var gone = new UdpPeer())
        {
            closed = gone.Destination;
        }

        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        Task<(byte[] Data, Destination Source)> receiving = ReceiveAsync(flow);
        for (int i = 0; i < 10; i++)
        {
            await flow.SendAsync(Ping, closed, Cancel);
        }

        Assert.False(await flow.SendAsync(Ping, Destination.Udp(IPAddress.Loopback, 0), Cancel)); // no such port
        await flow.SendAsync(Ping, null, Cancel);
        peer.Send(Ping, (await peer.ReceiveAsync()).Source);
        Assert.Equal(peer.Destination, (await receiving).Source);
        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task Dispose_EndsTheReceive_AndGivesThePortBack()
    {
        using var peer = new UdpPeer();
        UdpLink flow = await OpenAsync(peer.Destination);
        int port = flow.LocalEndPoint.Port;
        Task<Datagram?> receiving = flow.ReceiveAsync(Cancel).AsTask();
        await flow.DisposeAsync();
        Assert.Null(await receiving.Guarded());
        Assert.Null(await flow.ReceiveAsync(Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await flow.SendAsync(Ping, null, Cancel));
        using var next = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        next.Bind(new IPEndPoint(IPAddress.Any, port));
    }

    [Fact]
    public async Task Abort_FailsTheReceive()
    {
        using var peer = new UdpPeer();
        await using UdpLink flow = await OpenAsync(peer.Destination);
        Task<Datagram?> receiving = flow.ReceiveAsync(Cancel).AsTask();
        var reason = new IOException("enough");
        flow.Abort(reason);
        Assert.Same(reason, (await Assert.ThrowsAsync<SessionException>(() => receiving.Guarded())).InnerException);
        await Assert.ThrowsAsync<SessionException>(async () => await flow.SendAsync(Ping, null, Cancel));
    }

    [Fact]
    public async Task WithoutIPv6_FourWorks_AndSixIsDropped()
    {
        using var peer = new UdpPeer();
        await using var flow = new UdpLink(
            peer.Destination, [IPAddress.Loopback], new DirectOptions(), NameResolver.ResolveAsync, AddressFamily.InterNetwork);
        Assert.Equal(AddressFamily.InterNetwork, flow.LocalEndPoint.AddressFamily);
        await flow.SendAsync(Ping, Destination.Udp($"::ffff:{peer.EndPoint.Address}", peer.EndPoint.Port), Cancel);
        peer.Send(Ping, (await peer.ReceiveAsync()).Source);
        Assert.Equal(peer.Destination, (await ReceiveAsync(flow)).Source);
        Assert.False(await flow.SendAsync(Ping, Destination.Udp(IPAddress.IPv6Loopback, 53), Cancel));
    }

    [Fact]
    public async Task ManySources_EachKeepsItsAddress()
    {
        UdpPeer[] peers = [.. Enumerable.Range(0, 40).Select(_ => new UdpPeer())];
        await using UdpLink flow = await OpenAsync(peers[0].Destination);
        for (int round = 0; round < 2; round++)
        {
            foreach (UdpPeer peer in peers)
            {
                Assert.True(await flow.SendAsync(Ping, peer.Destination, Cancel));
                peer.Send((await peer.ReceiveAsync()).Data, flow);
                Assert.Equal(peer.Destination, (await ReceiveAsync(flow)).Source);
            }
        }

        Array.ForEach(peers, peer => peer.Dispose());
    }

    private static async Task<UdpLink> OpenAsync(Destination destination)
        => Assert.IsType<UdpLink>(await new DirectDispatcher().DispatchDatagramsAsync(destination, Cancel));

    private static async Task<(byte[] Data, Destination Source)> ReceiveAsync(DatagramLink flow)
    {
        Datagram? datagram = await flow.ReceiveAsync(Cancel).Guarded();
        Assert.NotNull(datagram);
        return (datagram.Value.Data.ToArray(), datagram.Value.Address);
    }
}
