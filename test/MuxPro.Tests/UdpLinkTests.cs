using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Flows of datagrams over real sockets (SPEC 7.2).</summary>
public sealed class UdpLinkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EverySize_ThereAndBack_IsOneDatagram()
    {
        using var target = new UdpTarget();
        await using DatagramLink flow = await OpenAsync(target.Destination);
        foreach (int size in (int[])[0, 1, 1350, 8192, 65_507])
        {
            byte[] sent = new Payload(size).Take(0, size);
            Assert.True(await flow.SendAsync(sent, cancellationToken: Cancel));
            Assert.Equal(sent, await target.ReceiveAsync());
            target.Answer(sent);
            Datagram answer = await ReceiveAsync(flow);
            Assert.Equal(sent, answer.Data.ToArray());
            Assert.Equal(target.Destination, answer.Address);
        }

        Assert.False(await flow.SendAsync(new byte[65_508], cancellationToken: Cancel));
        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task AllTargets_SeeTheSamePort_AndAThirdMayAnswer()
    {
        using var first = new UdpTarget("127.0.0.1");
        using var second = new UdpTarget("127.0.0.2");
        using var third = new UdpTarget("127.0.0.3");
        await using DatagramLink flow = await OpenAsync(first.Destination);
        Assert.True(flow.IsFullCone);
        await flow.SendTextAsync("to the first");
        await flow.SendTextAsync("to the second", second.Destination.ToString());
        Assert.Equal("to the first", Encoding.UTF8.GetString(await first.ReceiveAsync()));
        Assert.Equal("to the second", Encoding.UTF8.GetString(await second.ReceiveAsync()));
        Assert.Equal(((IPEndPoint)first.Source!).Port, ((IPEndPoint)second.Source!).Port);
        third.Send("from the third"u8, first.Source!);
        await flow.ExpectTextAsync("from the third", third.Destination.ToString());
    }

    [Fact]
    public async Task BothFamilies_SeeTheSamePort()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "This machine has no IPv6.");
        using var four = new UdpTarget();
        using var six = new UdpTarget("::1");
        await using DatagramLink flow = await OpenAsync(six.Destination);
        await flow.SendTextAsync("by 6");
        await flow.SendTextAsync("by 4", four.Destination.ToString());
        await six.ReceiveAsync();
        await four.ReceiveAsync();
        Assert.Equal(((IPEndPoint)six.Source!).Port, ((IPEndPoint)four.Source!).Port);
        four.Answer("4"u8.ToArray());
        await flow.ExpectTextAsync("4", four.Destination.ToString());
        six.Answer("6"u8.ToArray());
        await flow.ExpectTextAsync("6");
    }

    [Fact]
    public async Task FirstTarget_ByName_AnswersByItsName()
    {
        using var target = new UdpTarget();
        await using DatagramLink flow = await OpenAsync(Destination.Udp("localhost", target.Port), new DirectOptions(), _ => [IPAddress.Loopback]);
        await flow.SendTextAsync("question");
        await target.ReceiveAsync();
        target.Answer("answer"u8.ToArray());
        await flow.ExpectTextAsync("answer", $"udp:localhost:{target.Port}");
    }

    [Fact]
    public async Task Burst_WhatArrivesAndWhatWasDropped_IsAllThatWasSent()
    {
        const int Count = 10_000;
        using var target = new UdpTarget();
        await using DatagramLink flow = await OpenAsync(target.Destination);
        await flow.SendTextAsync("here I am");
        await target.ReceiveAsync();
        byte[] datagram = new byte[1350];
        for (int i = 0; i < Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(datagram, i);
            datagram.AsSpan(4).Fill((byte)i);
            target.Answer(datagram.AsMemory(0, 4 + (i % 1347)));
        }

        // Nobody has read yet: most of them found no room in the kernel.
        target.Answer("last"u8.ToArray());
        int received = 0;
        int previous = -1;
        while (received + flow.Dropped < Count + 1)
        {
            Datagram next = await ReceiveAsync(flow);
            int number = BinaryPrimitives.ReadInt32BigEndian(next.Data.Span);
            received++;
            if (next.Data.Span.SequenceEqual("last"u8))
            {
                continue;
            }

            Assert.True(number > previous);
            Assert.Equal(4 + (number % 1347), next.Data.Length);
            Assert.Equal(-1, next.Data.Span[4..].IndexOfAnyExcept((byte)number));
            previous = number;
        }

        Assert.Equal(Count + 1, received + flow.Dropped);
        Assert.True(flow.Dropped > 0, "The kernel had room for all: the test shows nothing.");
    }

    [Fact]
    public async Task CancelledReceive_LosesNoDatagram()
    {
        using var target = new UdpTarget();
        await using DatagramLink flow = await OpenAsync(target.Destination);
        await flow.SendTextAsync("here I am");
        await target.ReceiveAsync();
        for (int i = 0; i < 100; i++)
        {
            using var cancel = new CancellationTokenSource();
            Task<Datagram?> receive = flow.ReceiveAsync(cancel.Token).AsTask();
            target.Answer(Encoding.UTF8.GetBytes($"{i}"));
            await cancel.CancelAsync();
            try
            {
                Assert.Equal($"{i}", Encoding.UTF8.GetString((await receive)!.Value.Data.Span));
            }
            catch (OperationCanceledException)
            {
                await flow.ExpectTextAsync($"{i}");
            }
        }
    }

    [Fact]
    public async Task TargetThatRefuses_DoesNotDisturbTheOthers()
    {
        using var target = new UdpTarget();
        int nobody;
        using (var gone = new UdpTarget())
        {
            nobody = gone.Port;
        }

        await using DatagramLink flow = await OpenAsync(target.Destination);
        for (int i = 0; i < 100; i++)
        {
            await flow.SendAsync(new byte[1], Destination.Udp(IPAddress.Loopback, nobody), Cancel);
        }

        await flow.SendTextAsync("question");
        await target.ReceiveAsync();
        target.Answer("answer"u8.ToArray());
        await flow.ExpectTextAsync("answer");
    }

    [Fact]
    public async Task SlowName_KeepsItsOwnDatagramsWaiting_AndNoOthers()
    {
        using var target = new UdpTarget();
        using var named = new UdpTarget();
        var found = new TaskCompletionSource<IPAddress[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var dispatcher = new DirectDispatcher(null, (_, cancellationToken) => found.Task.WaitAsync(cancellationToken));
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(target.Destination, Cancel);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(i < 16, await flow.SendAsync(Encoding.UTF8.GetBytes($"{i}"), Destination.Udp("slow.example", named.Port), Cancel));
        }

        await flow.SendTextAsync("past it");
        Assert.Equal("past it", Encoding.UTF8.GetString(await target.ReceiveAsync()));
        Assert.Equal(4, flow.Dropped);
        found.SetResult([IPAddress.Loopback]);
        for (int i = 0; i < 16; i++)
        {
            Assert.Equal($"{i}", Encoding.UTF8.GetString(await named.ReceiveAsync()));
        }
    }

    [Fact]
    public async Task ManySlowNames_HoldLittle_AndAskTheResolverForFew()
    {
        using var target = new UdpTarget();
        using var named = new UdpTarget();
        int lookups = 0;
        var found = new TaskCompletionSource<IPAddress[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var dispatcher = new DirectDispatcher(null, (_, cancellationToken) =>
        {
            lookups++;
            return found.Task.WaitAsync(cancellationToken);
        });
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(target.Destination, Cancel);
        int taken = 0;
        for (int i = 0; i < 1000; i++)
        {
            taken += await flow.SendAsync(new byte[20_000], Destination.Udp($"slow{i}.example", named.Port), Cancel) ? 1 : 0;
        }

        // 128 KiB of datagrams, 16 names.
        Assert.Equal((6, 994), (taken, flow.Dropped));
        Assert.Equal(16, lookups);
        await flow.SendTextAsync("past them");
        Assert.Equal("past them", Encoding.UTF8.GetString(await target.ReceiveAsync()));

        // There is room again once they are found.
        found.SetResult([IPAddress.Loopback]);
        for (int i = 0; i < taken; i++)
        {
            Assert.Equal(20_000, (await named.ReceiveAsync()).Length);
        }

        Assert.True(await flow.SendAsync("later"u8.ToArray(), Destination.Udp("slow999.example", named.Port), Cancel));
        Assert.Equal("later", Encoding.UTF8.GetString(await named.ReceiveAsync()));
    }

    [Fact]
    public async Task NameThatIsNotFound_DropsAndCounts_AndIsLookedUpAgainLater()
    {
        var time = new FakeTimeProvider();
        using var target = new UdpTarget();
        int lookups = 0;
        var dispatcher = new DirectDispatcher(new DirectOptions { TimeProvider = time }, (_, _) => ++lookups == 1
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))
            : Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(target.Destination, Cancel);
        var name = Destination.Udp("flaky.example", target.Port);
        await flow.SendAsync(new byte[1], name, Cancel);
        await Until.TrueAsync(() => flow.Dropped == 1);
        Assert.False(await flow.SendAsync(new byte[1], name, Cancel));
        Assert.Equal((2, 1), (flow.Dropped, lookups));
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.True(await flow.SendAsync("now"u8.ToArray(), name, Cancel));
        Assert.Equal("now", Encoding.UTF8.GetString(await target.ReceiveAsync()));
    }

    [Fact]
    public async Task PrivateTargets_AreRefused_TheFirstAndEachLaterOne()
    {
        var options = new DirectOptions { AllowPrivate = false };
        var error = await Assert.ThrowsAsync<SessionException>(() => OpenAsync(Destination.Udp(IPAddress.Loopback, 53), options));
        Assert.Equal(ErrorCode.ProxyRejected, error.ErrorCode);
        using var target = new UdpTarget();
        await using DatagramLink flow = await OpenAsync(Destination.Udp("8.8.8.8", 53), options, _ => [IPAddress.Loopback]);
        await flow.SendAsync(new byte[1], target.Destination, Cancel);
        await flow.SendAsync(new byte[1], Destination.Udp("rebound.example", target.Port), Cancel);
        await Until.TrueAsync(() => flow.Dropped == 2);
        Assert.False(await flow.SendAsync(new byte[1], target.Destination, Cancel));
        Assert.Equal(0, target.Available);
    }

    [Theory]
    [InlineData(SocketError.HostNotFound, ErrorCode.DestinationUnreachable)]
    public async Task FirstName_NotFound_FailsTheOpen(SocketError lookup, ErrorCode code)
    {
        var dispatcher = new DirectDispatcher(null, (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)lookup)));
        var error = await Assert.ThrowsAsync<SessionException>(() => dispatcher.DispatchDatagramsAsync(Destination.Udp("nowhere.example", 53), Cancel).AsTask());
        Assert.Equal((code, FailureDetail.NameNotFound), (error.ErrorCode, error.Detail));
    }

    [Fact]
    public async Task Socket_IsTheOneThatWasAskedFor_AndARefusalKeepsItsCode()
    {
        var refusal = new SessionException(ErrorCode.ResourceExhaustion, "No socket is left.");
        var dispatcher = new DirectDispatcher(new DirectOptions { CreateDatagramSocket = _ => throw refusal });
        var error = await Assert.ThrowsAsync<SessionException>(() => dispatcher.DispatchDatagramsAsync(Destination.Udp("127.0.0.1", 53), Cancel).AsTask());
        Assert.Same(refusal, error);
        await Assert.ThrowsAsync<ArgumentException>(() => dispatcher.DispatchDatagramsAsync(Destination.Tcp("127.0.0.1", 53), Cancel).AsTask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_WakesTheReceiver(bool abort)
    {
        using var target = new UdpTarget();
        DatagramLink flow = await OpenAsync(target.Destination);
        Task<Datagram?> receiving = flow.ReceiveAsync(Cancel).AsTask();
        if (abort)
        {
            flow.Abort();
            await Assert.ThrowsAsync<SessionException>(() => receiving.Guarded());
        }
        else
        {
            await flow.DisposeAsync();
            Assert.Null(await receiving.Guarded());
        }

        await Assert.ThrowsAsync<SessionException>(async () => await flow.SendAsync(new byte[1], cancellationToken: Cancel));
    }

    private static async Task<Datagram> ReceiveAsync(DatagramLink flow)
        => await flow.ReceiveAsync(Cancel).Guarded() ?? throw new EndOfStreamException("The flow ended.");

    private static Task<DatagramLink> OpenAsync(
        Destination destination, DirectOptions? options = null, Func<string, IPAddress[]>? resolve = null)
        => (resolve is null ? new DirectDispatcher(options) : new DirectDispatcher(options, (name, _) => Task.FromResult(resolve(name))))
            .DispatchDatagramsAsync(destination, Cancel).AsTask();
}
