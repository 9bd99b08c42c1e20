using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

/// <summary>UDP associations over real sockets, with a fake where the main connection would be.</summary>
public sealed class SocksAssociationTests
{
    private static readonly Destination First = Destination.Udp("192.0.2.1", 53);
    private static readonly Destination Second = Destination.Udp("example.com", 443);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_350)]
    [InlineData(8_192)]
    [InlineData(65_497)]
    public async Task FullCone_OneFlow_EachDatagramWithItsAddress(int size)
    {
        await using var flows = new FakeFlows();
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        byte[] data = Origin.Bytes(size);
        await application.SendAsync(First, data);
        (FakeFlow flow, ulong globalId) = await flows.OpenedAsync();
        await application.SendAsync(Second, [2]);
        Assert.Equal(First, flow.Destination);
        Assert.NotEqual(0UL, globalId);
        (byte[] sent, Destination? address) = await flow.Sent.ReadAsync(Cancel);
        Assert.Equal(First, address);
        Assert.Equal(data, sent);
        Assert.Equal(Second, (await flow.Sent.ReadAsync(Cancel)).Address);

        // Any source may answer.
        foreach (Destination source in new[] { First, Second, Destination.Udp("2001:db8::1", 9) })
        {
            flow.Answer([3], source);
            (Destination from, byte[] answer) = await application.ReceiveAsync();
            Assert.Equal((source, 1), (from, answer.Length));
        }

        flow.Answer(data, First);
        Assert.Equal(data, (await application.ReceiveAsync()).Data);
    }

    [Fact]
    public async Task NotFullCone_OneFlowEach()
    {
        await using var flows = new FakeFlows { IsFullCone = false };
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        await application.SendAsync(First, [1]);
        (FakeFlow first, _) = await flows.OpenedAsync();
        await application.SendAsync(Second, [2]);
        (FakeFlow second, _) = await flows.OpenedAsync();
        await application.SendAsync(First, [3]);
        Assert.Equal((First, Second), (first.Destination, second.Destination));
        Assert.Equal((1, null), ((await first.Sent.ReadAsync(Cancel)) is var (data, address) ? data[0] : 0, address));
        Assert.Equal(2, (await second.Sent.ReadAsync(Cancel)).Data[0]);
        Assert.Equal(3, (await first.Sent.ReadAsync(Cancel)).Data[0]);
        second.Answer([4], Second);
        Assert.Equal(Second, (await application.ReceiveAsync()).Source);
    }

    [Fact]
    public async Task NotFullCone_TooManyDestinations_TheLeastRecentlyUsedGoes()
    {
        await using var flows = new FakeFlows { IsFullCone = false };
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        var opened = new List<FakeFlow>();
        for (int i = 0; i < RoutedDatagramLink.MaxWays; i++)
        {
            await application.SendAsync(Destination.Udp("192.0.2.1", 1 + i), [1]);
            opened.Add((await flows.OpenedAsync()).Flow);
        }

        await application.SendAsync(opened[0].Destination, [2]);
        await opened[0].Sent.ReadAsync(Cancel);
        await opened[0].Sent.ReadAsync(Cancel);
        await application.SendAsync(Second, [3]);
        await flows.OpenedAsync();
        await opened[1].Disposed.Task.WaitAsync(Cancel);
        Assert.False(opened[0].Disposed.Task.IsCompleted);
    }

    [Fact]
    public async Task OtherSources_AreNotHeard()
    {
        await using var flows = new FakeFlows();
        SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        using (application)
        {
            await application.SendAsync(First, [1]);
            (FakeFlow flow, _) = await flows.OpenedAsync();
            using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await stranger.SendToAsync((byte[])[0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 9], SocketFlags.None, application.Relay, Cancel);
            await application.SendAsync(First, [2]);
            Assert.Equal(1, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
            Assert.Equal(2, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
        }

        Assert.Contains(
            "up 2 datagrams (2 bytes) down 0 (0 bytes), dropped 0, refused 1,", await flows.Log.WaitAsync(26), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NamedPort_IsTheOnlyOne()
    {
        await using var flows = new FakeFlows();
        using var right = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var wrong = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        right.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (Socket connection, byte[] answer) = await SocksUdpClient.AskAsync(
            flows.EndPoint, IPAddress.Loopback, ((IPEndPoint)right.LocalEndPoint!).Port);
        using (connection)
        {
            var relay = new IPEndPoint(IPAddress.Loopback, (answer[8] << 8) | answer[9]);
            await wrong.SendToAsync((byte[])[0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 9], SocketFlags.None, relay, Cancel);
            await right.SendToAsync((byte[])[0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 8], SocketFlags.None, relay, Cancel);
            (FakeFlow flow, _) = await flows.OpenedAsync();
            Assert.Equal(8, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
        }
    }

    [Fact]
    public async Task AddressOfSomebodyElse_MeansNothing()
    {
        await using var flows = new FakeFlows();
        (Socket connection, byte[] answer) = await SocksUdpClient.AskAsync(flows.EndPoint, IPAddress.Parse("192.0.2.9"), 1);
        using (connection)
        {
            Assert.Equal("05000001", Convert.ToHexString(answer.AsSpan(0, 4)));
            using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var relay = new IPEndPoint(IPAddress.Loopback, (answer[8] << 8) | answer[9]);
            await sender.SendToAsync((byte[])[0, 0, 0, 1, 192, 0, 2, 1, 0, 53, 8], SocketFlags.None, relay, Cancel);
            (FakeFlow flow, _) = await flows.OpenedAsync();
            Assert.Equal(8, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
        }
    }

    [Fact]
    public async Task AddressOfSomebodyElse_WhereThatIsStrict_IsRefused()
    {
        await using var flows = new FakeFlows(new InboundOptions { IsStrictAboutSource = true });
        (Socket connection, byte[] answer) = await SocksUdpClient.AskAsync(flows.EndPoint, IPAddress.Parse("192.0.2.9"), 1);
        connection.Dispose();
        Assert.Equal("05020001000000000000", Convert.ToHexString(answer));
        Assert.Contains("192.0.2.9", await flows.Log.WaitAsync(22), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_AreRefusedAndCounted()
    {
        await using var flows = new FakeFlows();
        SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        using (application)
        {
            byte[][] all =
            [
                [], [0, 0, 0], [0, 0, 1, 1, 192, 0, 2, 1, 0, 53, 9], [0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 9], [0, 0, 0, 3, 1, 32, 0, 1],
            ];
            foreach (byte[] broken in all)
            {
                await application.SendRawAsync(broken);
            }

            await application.SendAsync(First, [1]);
            (FakeFlow flow, _) = await flows.OpenedAsync();
            Assert.Equal(1, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
        }

        Assert.Contains(
            "up 1 datagrams (1 bytes) down 0 (0 bytes), dropped 0, refused 5,", await flows.Log.WaitAsync(26), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectionCloses_EverythingEnds()
    {
        var budget = new SocketBudget(1);
        await using var flows = new FakeFlows(new InboundOptions { Sockets = budget });
        SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        (Socket refused, byte[] answer) = await SocksUdpClient.AskAsync(flows.EndPoint, IPAddress.Any, 0);
        refused.Dispose();
        Assert.Equal("05010001000000000000", Convert.ToHexString(answer));
        await application.SendAsync(First, [1]);
        (FakeFlow flow, _) = await flows.OpenedAsync();
        await flow.Sent.ReadAsync(Cancel);
        Assert.Equal(1, budget.Open);

        application.Connection.Dispose();
        await flow.Disposed.Task.WaitAsync(Cancel);
        Assert.EndsWith("closed by the application", await flows.Log.WaitAsync(26), StringComparison.Ordinal);
        while (budget.Open > 0)
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        application.Dispose();
    }

    [Fact]
    public async Task Idle_EndsWithItsConnection()
    {
        var time = new FakeTimeProvider();
        await using var flows = new FakeFlows(new InboundOptions { DatagramTimeout = TimeSpan.FromSeconds(8), TimeProvider = time });
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        time.Advance(TimeSpan.FromSeconds(7));
        await application.SendAsync(First, [1]);
        (FakeFlow flow, _) = await flows.OpenedAsync();
        time.Advance(TimeSpan.FromSeconds(7));

        // It answers within its time, so it goes on.
        flow.Answer([2], First);
        await application.ReceiveAsync();
        time.Advance(TimeSpan.FromSeconds(7));
        Assert.False(flow.Disposed.Task.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        await flow.Disposed.Task.WaitAsync(Cancel);
        await application.ClosedAsync();
        Assert.EndsWith("idle for 8 s", await flows.Log.WaitAsync(26), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MainConnectionLost_OpensAgainAtOnce_SameGlobalId()
    {
        await using var flows = new FakeFlows();
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        await application.SendAsync(First, [1]);
        (FakeFlow lost, ulong globalId) = await flows.OpenedAsync();
        lost.End(await FakeFlows.LostAsync());

        // Nothing more was sent: what comes from outside has no other way.
        (FakeFlow flow, ulong again) = await flows.OpenedAsync();
        Assert.Equal((globalId, First), (again, flow.Destination));
        flow.Answer([4], Second);
        Assert.Equal(Second, (await application.ReceiveAsync()).Source);
    }

    [Fact]
    public async Task NoMainConnection_DropsMeanwhile_AsksOnceASecond()
    {
        var time = new FakeTimeProvider();
        await using var other = new FakeFlows();
        RoutedDatagramLink link = new OneOutbound(other, other.Log, time).Open(First, new DatagramOptions { GlobalId = 1 });
        await using (link)
        {
            Assert.True(await link.SendAsync(new byte[1], First, Cancel));
            (FakeFlow lost, _) = await other.OpenedAsync();
            await lost.Sent.ReadAsync(Cancel);
            other.Failure = await FakeFlows.LostAsync();
            lost.End(other.Failure);
            while (other.Attempts < 2)
            {
                Cancel.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            for (int i = 0; i < 100; i++)
            {
                Assert.False(await link.SendAsync(new byte[1], i % 2 == 0 ? First : Second, Cancel));
            }

            Assert.Equal((100, 2), (link.Dropped, other.Attempts));
            other.Failure = null;
            Task<(FakeFlow Flow, ulong GlobalId)> opening = other.OpenedAsync();
            while (!opening.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            while (!await link.SendAsync(new byte[1], Second, Cancel))
            {
                Cancel.ThrowIfCancellationRequested();
            }

            Assert.Equal(Second, (await (await opening).Flow.Sent.ReadAsync(Cancel)).Address);
            Assert.Equal(1, link.Ways);
        }

        Assert.Equal(0, link.Ways);
    }

    [Fact]
    public async Task MainConnectionsThatAreLostAtOnce_AreAskedForOnceASecond()
    {
        var time = new CountedTimers();
        await using var other = new FakeFlows();
        var tooOften = new TaskCompletionSource();
        MainConnectionException lost = await FakeFlows.LostAsync();
        other.Opening = flow =>
        {
            flow.End(lost);
            if (other.Attempts >= 10)
            {
                tooOften.SetResult();
                throw new SessionException(ErrorCode.ProxyRejected, "too often");
            }
        };
        await using RoutedDatagramLink link = new OneOutbound(other, other.Log, time).Open(First, new DatagramOptions { GlobalId = 1 });
        await link.SendAsync(new byte[1], First, Cancel);

        // The second time at once.
        for (int attempts = 2; attempts < 5; attempts++)
        {
            Task pausing = time.Made.WaitAsync(Cancel);
            Assert.Same(pausing, await Task.WhenAny(pausing, tooOften.Task));
            await pausing;
            Assert.Equal(attempts, other.Attempts);
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Refused_IsSaidOnce_OthersGoOn()
    {
        await using var flows = new FakeFlows { Failure = new SessionException(ErrorCode.ProxyRejected, "no") };
        using SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        await application.SendAsync(First, [1]);
        string said = await flows.Log.WaitAsync(21);
        Assert.Contains("udp:192.0.2.1:53", said, StringComparison.Ordinal);
        Assert.Contains("ProxyRejected (0006)", said, StringComparison.Ordinal);
        flows.Failure = null;
        await application.SendAsync(First, [2]);
        await application.SendAsync(Second, [3]);
        (FakeFlow flow, _) = await flows.OpenedAsync();
        Assert.Equal(3, (await flow.Sent.ReadAsync(Cancel)).Data[0]);
        Assert.Equal(2, flows.Attempts);
    }

    [Fact]
    public async Task NoRoom_IsCounted()
    {
        await using var flows = new FakeFlows();
        SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        using (application)
        {
            await application.SendAsync(First, [1]);
            (FakeFlow flow, _) = await flows.OpenedAsync();
            await flow.Sent.ReadAsync(Cancel);
            flow.HasRoom = false;
            await application.SendAsync(First, [2]);
            while (flow.Dropped == 0)
            {
                Cancel.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        Assert.Contains("up 1 datagrams (1 bytes) down 0 (0 bytes), dropped 1,", await flows.Log.WaitAsync(26), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Burst_SentIsUpAndDropped()
    {
        const int Count = 10_000;
        await using var flows = new FakeFlows();
        SocksUdpClient application = await SocksUdpClient.ConnectAsync(flows.EndPoint);
        int arrived = 0;
        using (application)
        {
            byte[] data = new byte[1_000];
            for (int i = 0; i < Count; i++)
            {
                await application.SendAsync(First, data);
            }

            // The last word comes through when all that waits before it is done; the kernel has counted what it dropped.
            (FakeFlow flow, _) = await flows.OpenedAsync();
            Task last = Task.Run(async () =>
            {
                await foreach ((byte[] sent, _) in flow.Sent.ReadAllAsync(Cancel))
                {
                    if (sent.Length == 1)
                    {
                        return;
                    }

                    arrived++;
                }
            }, Cancel);
            while (!last.IsCompleted)
            {
                await application.SendAsync(First, [1]);
                await Task.Yield();
            }

            await last;
        }

        string line = await flows.Log.WaitAsync(26);
        long up = long.Parse(line.Split(" up ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        long dropped = long.Parse(line.Split("dropped ")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(arrived, 1, Count);

        // Each short one counts as well, arrived or dropped.
        Assert.True(up + dropped >= Count + 1, line);
        Assert.True(arrived + dropped >= Count, line);
    }

    [Fact]
    public void GlobalIds_OfTheSameSocketAreTheSame_OfNobodyElse()
    {
        var ids = new FlowIds();
        IPEndPoint source = new(IPAddress.Loopback, 5000);
        Assert.Equal(ids.Of(source), ids.Of(new IPEndPoint(IPAddress.Loopback, 5000)));
        Assert.NotEqual(ids.Of(source), ids.Of(new IPEndPoint(IPAddress.Loopback, 5001)));
        Assert.NotEqual(ids.Of(source), new FlowIds().Of(source));

        // HMAC-SHA256 over udp:127.0.0.1:5000, made elsewhere.
        Assert.Equal(0xe7d277a8dcd1dcd2, new FlowIds(new byte[32]).Of(source));
    }

    /// <summary>A clock that says when somebody begins to wait.</summary>
    private sealed class CountedTimers : FakeTimeProvider
    {
        public SemaphoreSlim Made { get; } = new(0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            Made.Release();
            return timer;
        }
    }
}
