using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Targets that are names, and targets that are not allowed.</summary>
public sealed class UdpNameTests
{
    private static readonly byte[] Ping = "ping"u8.ToArray();
    private static readonly IPAddress Public = IPAddress.Parse("8.8.8.8");

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_FromTheNamedTarget_HasItsName()
    {
        using var peer = new UdpPeer();
        using var other = new UdpPeer();
        var name = Destination.Udp("stun.example", peer.EndPoint.Port);
        await using DatagramLink flow = await Dispatcher(
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback])).DispatchDatagramsAsync(name, Cancel);
        Assert.Same(name, flow.Destination);
        await flow.SendAsync(Ping, null, Cancel);
        IPEndPoint seen = (await peer.ReceiveAsync()).Source;
        peer.Send(Ping, seen);
        Assert.Same(name, (await flow.ReceiveAsync(Cancel).Guarded())!.Value.Address);
        other.Send(Ping, seen);
        Assert.Equal(other.Destination, (await flow.ReceiveAsync(Cancel).Guarded())!.Value.Address);
    }

    [Fact]
    public async Task SlowName_DelaysNoOther_AndWhatWaitsIsSentInOrder()
    {
        using var peer = new UdpPeer();
        using var slow = new UdpPeer();
        var answer = new TaskCompletionSource<IPAddress[]>();
        await using DatagramLink flow = await Dispatcher((_, _) => answer.Task).DispatchDatagramsAsync(peer.Destination, Cancel);
        var name = Destination.Udp("slow.example", slow.EndPoint.Port);
        for (byte i = 0; i < 16; i++)
        {
            Assert.True(await flow.SendAsync(new[] { i }, name, Cancel));
        }

        Assert.False(await flow.SendAsync(Ping, name, Cancel));
        Assert.True(await flow.SendAsync(Ping, null, Cancel));
        Assert.Equal(Ping, (await peer.ReceiveAsync()).Data);

        answer.SetResult([IPAddress.Loopback]);
        for (byte i = 0; i < 16; i++)
        {
            Assert.Equal([i], (await slow.ReceiveAsync()).Data);
        }

        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task SlowName_BytesThatWait_AreBounded()
    {
        using var peer = new UdpPeer();
        var never = new TaskCompletionSource<IPAddress[]>();
        DatagramLink flow = await Dispatcher((_, _) => never.Task).DispatchDatagramsAsync(peer.Destination, Cancel);
        byte[] large = new byte[60_000];
        var name = Destination.Udp("slow.example", 53);
        Assert.True(await flow.SendAsync(large, name, Cancel));
        Assert.True(await flow.SendAsync(large, name, Cancel));
        Assert.False(await flow.SendAsync(large, name, Cancel));
        Assert.Equal(1, flow.Dropped);

        await flow.DisposeAsync();
        await Guard.UntilAsync(() => flow.Dropped == 3, () => $"{flow.Dropped} were dropped.");
    }

    [Fact]
    public async Task Names_AllSlow_MoreAreDropped_AddressesAreNot()
    {
        using var peer = new UdpPeer();
        var never = new TaskCompletionSource<IPAddress[]>();
        int asked = 0;
        DirectDispatcher dispatcher = Dispatcher((_, _) =>
        {
            asked++;
            return never.Task;
        });
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(peer.Destination, Cancel);
        for (int i = 0; i < 100; i++)
        {
            await flow.SendAsync(Ping, Destination.Udp($"slow{i}.example", 53), Cancel);
        }

        Assert.Equal(UdpTargets.MostLookups, asked);
        Assert.True(await flow.SendAsync(Ping, null, Cancel));
        Assert.Equal(Ping, (await peer.ReceiveAsync()).Data);
    }

    [Fact]
    public async Task Name_IsAskedForAgain_AMinuteAfterItsLastUse()
    {
        using var peer = new UdpPeer();
        int asked = 0;
        DirectDispatcher dispatcher = Dispatcher((_, _) =>
        {
            asked++;
            return Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
        });
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(
            Destination.Udp("stun.example", peer.EndPoint.Port), Cancel);
        for (int i = 0; i < 3; i++)
        {
            _time.Advance(UdpTargets.NameLifetime - TimeSpan.FromSeconds(1));
            await flow.SendAsync(Ping, null, Cancel);
            await peer.ReceiveAsync();
        }

        Assert.Equal(1, asked);
        _time.Advance(UdpTargets.NameLifetime);
        await flow.SendAsync(Ping, null, Cancel);
        await peer.ReceiveAsync();
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Name_NotFoundOrNotInTime_DroppedAndCounted_AndAskedForLater()
    {
        using var peer = new UdpPeer();
        var asked = new List<string>();
        var never = new TaskCompletionSource<IPAddress[]>();
        DirectDispatcher dispatcher = Dispatcher((name, _) =>
        {
            asked.Add(name);
            return name == "slow.example" ? never.Task : throw new SocketException((int)SocketError.HostNotFound);
        });
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(peer.Destination, Cancel);
        var nowhere = Destination.Udp("nowhere.example", 53);
        await flow.SendAsync(Ping, nowhere, Cancel);
        Assert.Equal(1, flow.Dropped);
        Assert.False(await flow.SendAsync(Ping, nowhere, Cancel));
        Assert.Equal(["nowhere.example"], asked);
        _time.Advance(UdpTargets.LookupTimeout);
        await flow.SendAsync(Ping, nowhere, Cancel);
        Assert.Equal(["nowhere.example", "nowhere.example"], asked);
        Assert.Equal(3, flow.Dropped);

        await flow.SendAsync(Ping, Destination.Udp("slow.example", 53), Cancel);
        _time.Advance(UdpTargets.LookupTimeout);
        await Guard.UntilAsync(() => flow.Dropped == 4, () => $"{flow.Dropped} were dropped.");
    }

    [Fact]
    public async Task Guarded_EachDatagramIsJudged_ByItsAddress()
    {
        using var peer = new UdpPeer();
        DirectDispatcher dispatcher = Dispatcher((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]), allowPrivate: false);
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(Destination.Udp(Public, 53), Cancel);
        Assert.False(await flow.SendAsync(Ping, peer.Destination, Cancel));
        Assert.False(await flow.SendAsync(Ping, Destination.Udp("::ffff:127.0.0.1", peer.EndPoint.Port), Cancel));
        await flow.SendAsync(Ping, Destination.Udp("rebind.example", peer.EndPoint.Port), Cancel);
        Assert.False(await flow.SendAsync(Ping, Destination.Udp("rebind.example", peer.EndPoint.Port), Cancel));
        Assert.Equal(4, flow.Dropped);
        Assert.Equal(0, peer.Available);
    }

    [Fact]
    public async Task Dispatch_Fails_CauseIsTold()
    {
        DirectDispatcher dispatcher = Dispatcher(
            (name, _) => name == "local.example"
                ? Task.FromResult<IPAddress[]>([IPAddress.Loopback])
                : throw new SocketException((int)SocketError.HostNotFound),
            allowPrivate: false);
        SessionException unknown = await FailAsync(dispatcher, Destination.Udp("nowhere.example", 53));
        Assert.Equal((ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound), (unknown.ErrorCode, unknown.Detail));
        Assert.Equal(ErrorCode.ProxyRejected, (await FailAsync(dispatcher, Destination.Udp(IPAddress.Loopback, 53))).ErrorCode);
        Assert.Equal(ErrorCode.ProxyRejected, (await FailAsync(dispatcher, Destination.Udp("local.example", 53))).ErrorCode);
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await dispatcher.DispatchDatagramsAsync(Destination.Tcp(Public, 53), Cancel));

        var never = new TaskCompletionSource<IPAddress[]>();
        Task<SessionException> late = FailAsync(Dispatcher((_, _) => never.Task), Destination.Udp("slow.example", 53));
        _time.Advance(new DirectOptions().ConnectTimeout);
        Assert.Equal(ErrorCode.OperationTimeout, (await late).ErrorCode);
    }

    [Fact]
    public async Task SocketThatRefuses_IsNotAskedForEachDatagram()
    {
        using var peer = new UdpPeer();
        await using DatagramLink flow = await Dispatcher((_, _) => Task.FromResult<IPAddress[]>([])).DispatchDatagramsAsync(
            peer.Destination, Cancel);
        var broadcast = Destination.Udp(IPAddress.Broadcast, 9); // not permitted
        Assert.Equal(1, Refusals(1000, broadcast));
        Assert.True(await flow.SendAsync(Ping, null, Cancel));
        Assert.Equal(0, Refusals(1, broadcast));
        _time.Advance(UdpTargets.Pause);
        Assert.Equal(1, Refusals(2, broadcast));
        Assert.Equal(1003, flow.Dropped);

        int Refusals(int datagrams, Destination target)
        {
            int refusals = 0;
            int thread = Environment.CurrentManagedThreadId;
            void Count(object? sender, FirstChanceExceptionEventArgs e)
                => refusals += e.Exception is SocketException && Environment.CurrentManagedThreadId == thread ? 1 : 0;
            AppDomain.CurrentDomain.FirstChanceException += Count;
            for (int i = 0; i < datagrams; i++)
            {
                ValueTask<bool> sending = flow.SendAsync(Ping, target, Cancel);
                Assert.True(sending.IsCompletedSuccessfully);
                Assert.False(sending.Result);
            }

            AppDomain.CurrentDomain.FirstChanceException -= Count;
            return refusals;
        }
    }

    [Fact]
    public async Task Sockets_AreMadeByTheHook()
    {
        int made = 0;
        var options = new DirectOptions
        {
            CreateDatagramSocket = family =>
            {
                made++;
                return made == 1
                    ? new Socket(family, SocketType.Dgram, ProtocolType.Udp)
                    : throw new SessionException(ErrorCode.ResourceExhaustion, "No more sockets.");
            },
        };
        using var peer = new UdpPeer();
        var dispatcher = new DirectDispatcher(options);
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(peer.Destination, Cancel);
        await flow.SendAsync(Ping, null, Cancel);
        await peer.ReceiveAsync();
        Assert.Equal(ErrorCode.ResourceExhaustion, (await FailAsync(dispatcher, peer.Destination)).ErrorCode);
    }

    private static Task<SessionException> FailAsync(DirectDispatcher dispatcher, Destination destination)
        => Assert.ThrowsAsync<SessionException>(async () => await dispatcher.DispatchDatagramsAsync(destination, Cancel));

    private DirectDispatcher Dispatcher(Func<string, CancellationToken, Task<IPAddress[]>> resolve, bool allowPrivate = true)
        => new(new DirectOptions { TimeProvider = _time, AllowPrivate = allowPrivate }, resolve);
}
