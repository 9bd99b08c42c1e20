using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Flows of datagrams, frame by frame (SPEC 7.2).</summary>
public sealed class DatagramTests
{
    private const string Target = "udp:10.0.0.1:53";

    public static TheoryData<uint> Versions => [0, 1, Raw.Private];

    public static TheoryData<uint> FullCone => [1, Raw.Private];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_TakesEachPayloadForADatagram(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target, "first"));
        await using ServerUnderTest _ = server;
        await server.Peer.SendAsync(Raw.Keep(5, "second"), Raw.Keep(5, []), Raw.KeepWithoutData(5), Raw.Keep(5, "third"));
        foreach (string text in (string[])["first", "second", "", "third"])
        {
            await flow.ExpectTextAsync(text);
        }

        Assert.Equal(0, flow.Dropped);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_DatagramThatArrivesByteByByte_IsOne(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        await server.Peer.TrickleAsync(
            [.. Raw.Keep(5, "in pieces"), .. Raw.Keep(ServerUnderTest.Neighbour, "beside it"), .. Raw.Keep(5, "and another")]);
        await flow.ExpectTextAsync("in pieces");
        await flow.ExpectTextAsync("and another");
        await server.Peer.ExpectKeepAsync(ServerUnderTest.Neighbour, "beside it");
    }

    [Theory]
    [MemberData(nameof(FullCone))]
    public async Task Server_ReadsTheAddressOfADatagram(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        Assert.True(flow.IsFullCone);
        byte[] domain = Raw.Datagram(5, "udp:dns.example:5353", "by name");
        await server.Peer.SendAsync(
            Raw.Datagram(5, "udp:10.0.0.2:54", "v4"), Raw.Datagram(5, "udp:[2001:db8::1]:55", "v6"), Raw.Keep(5, "its own"));
        await server.Peer.TrickleAsync([.. domain, .. domain]);
        await flow.ExpectTextAsync("v4", "udp:10.0.0.2:54");
        await flow.ExpectTextAsync("v6", "udp:[2001:db8::1]:55");
        await flow.ExpectTextAsync("its own");
        await flow.ExpectTextAsync("by name", "udp:dns.example:5353");
        await flow.ExpectTextAsync("by name", "udp:dns.example:5353");
    }

    [Theory]
    [MemberData(nameof(FullCone))]
    public async Task GlobalId_OfTheNew_IsInEveryAddress(uint version)
    {
        const ulong GlobalId = 0x1122334455667788;
        byte[] open = Wired.Written(writer => FrameWriter.WriteNew(writer, 5, Destination.Parse(Target), 0, GlobalId));
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, open);
        await using ServerUnderTest _ = server;
        Assert.Equal(GlobalId, flow.GlobalId);
        await server.Peer.SendAsync(Raw.Datagram(5, "udp:10.0.0.2:54", "to", GlobalId));
        await flow.ExpectTextAsync("to", "udp:10.0.0.2:54");
        await flow.SendTextAsync("from", "udp:10.0.0.3:55");
        await server.Peer.ExpectBytesAsync(Raw.Datagram(5, "udp:10.0.0.3:55", "from", GlobalId));
    }

    [Fact]
    public async Task Version00_KnowsNeitherBit02NorGlobalIds()
    {
        byte[] open = Wired.Written(writer => FrameWriter.WriteNew(writer, 5, Destination.Parse(Target), 0, 77));
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(0, open);
        await using ServerUnderTest _ = server;
        Assert.Equal((0ul, false), (flow.GlobalId, flow.IsFullCone));
        await server.Peer.SendAsync(Raw.Frame("0005 02 03", "whole"u8.ToArray()));
        await flow.ExpectTextAsync("whole");
        Assert.False(await flow.SendAsync("x"u8.ToArray(), Destination.Udp("10.0.0.9", 9), TestContext.Current.CancellationToken));
        Assert.Equal(1, flow.Dropped);
        await server.ExpectNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Server_AnswersFromTheTarget_WithoutAnAddress(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        await flow.SendTextAsync("one");
        await server.Peer.ExpectKeepAsync(5, "one");
        await flow.SendTextAsync("two", Target);
        await server.Peer.ExpectBytesAsync(Raw.Keep(5, "two"));
        Assert.True(await flow.SendAsync(default, cancellationToken: TestContext.Current.CancellationToken));
        await server.Peer.ExpectBytesAsync(Raw.Keep(5, []));
    }

    [Theory]
    [MemberData(nameof(FullCone))]
    public async Task BrokenAddress_EndsTheFlowAlone(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        await server.Peer.SendAsync(Raw.Frame("0005 02 03", Wired.Bytes("02 0035 09 7f000001")));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await Assert.ThrowsAsync<SessionException>(() => flow.ReceiveAsync(TestContext.Current.CancellationToken).Guarded());
        await server.ExpectNothingAsync();
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task MoreThanTheCredit_EndsTheFlowAlone(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        await server.Peer.SendAsync(Raw.Keep(5, new byte[60_000]), Raw.Keep(5, new byte[6_000]));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await server.ExpectNothingAsync();
        await flow.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(FullCone))]
    public async Task Addresses_CostNoCredit(uint version)
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(version, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        for (int i = 0; i < 64; i++)
        {
            await server.Peer.SendAsync(Raw.Datagram(5, "udp:10.0.0.2:54", new string('x', 1024)));
        }

        await server.ExpectNothingAsync();
        for (int i = 0; i < 64; i++)
        {
            await flow.ExpectTextAsync(new string('x', 1024), "udp:10.0.0.2:54");
        }
    }

    [Fact]
    public async Task EmptyDatagrams_ThatNobodyReads_AreDroppedAndCounted()
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(1, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        byte[] hundred = [.. Enumerable.Repeat(Raw.Keep(5, []), 100).SelectMany(frame => frame)];
        for (int i = 0; i < 400; i++)
        {
            await server.Peer.SendAsync(hundred);
        }

        await server.ExpectNothingAsync();
        Assert.InRange(flow.Dropped, 1, 39_999);
        await server.Peer.SendAsync(Raw.End(5));
        long received = 0;
        while (await flow.ReceiveAsync(TestContext.Current.CancellationToken).Guarded() is not null)
        {
            received++;
        }

        Assert.Equal(40_000, received + flow.Dropped);
    }

    [Fact]
    public async Task LargestDatagrams_OneAfterTheOther_NeedNoMoreThanTheFirstWindow()
    {
        (ServerUnderTest server, DatagramSession flow) = await AcceptAsync(1, Raw.New(5, Target));
        await using ServerUnderTest _ = server;
        long credit = 65_536;
        foreach (int size in (int[])[20_000, 65_507, 1, 65_507, 65_507])
        {
            while (credit < size)
            {
                credit += (await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5)).Credit;
            }

            await server.Peer.SendAsync(Raw.Keep(5, new byte[size]));
            credit -= size;
            Datagram? datagram = await flow.ReceiveAsync(TestContext.Current.CancellationToken).Guarded();
            Assert.Equal(size, datagram!.Value.Data.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Client_PutsTheFirstDatagramIntoTheNew_OrIntoAKeep(uint version)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        DatagramSession flow = await client.OpenDatagramsAsync(Target, globalId: 0x0807060504030201);
        Assert.Equal(version == 0 ? 0 : 0x0807060504030201ul, flow.GlobalId);
        await flow.SendTextAsync("question");
        await client.Peer.ExpectKeepAsync(flow.Id, "question");
        await client.Peer.SendAsync(Raw.Keep(flow.Id, "answer"));
        await flow.ExpectTextAsync("answer");
        await flow.DisposeAsync();
        await client.Peer.ExpectEndAsync(flow.Id);
        await client.Peer.SendAsync(Raw.End(flow.Id));
        await flow.Completion.Guarded();
        await client.ExpectNothingAsync();
    }

    [Theory]
    [MemberData(nameof(FullCone))]
    public async Task Client_WritesAndReadsAddresses(uint version)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        await flow.SendTextAsync("to another", "udp:[2001:db8::1]:55");
        await client.Peer.ExpectBytesAsync(Raw.Datagram(flow.Id, "udp:[2001:db8::1]:55", "to another"));
        await client.Peer.SendAsync(Raw.Datagram(flow.Id, "udp:10.0.0.3:55", "from a third"));
        await flow.ExpectTextAsync("from a third", "udp:10.0.0.3:55");
    }

    [Theory]
    [InlineData(0, 2048)]
    [InlineData(1, 2048)]
    [InlineData(Raw.Private, 65_507)]
    public async Task LargerThanTheOtherEndMayTake_IsDroppedAndCounted(uint version, int largest)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        Assert.False(await flow.SendAsync(new byte[largest + 1], cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(await flow.SendAsync(new byte[largest], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(largest, (await client.Peer.ExpectAsync(FrameType.Keep, flow.Id)).Data!.Length);
        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task LimitOfTheOtherEnd_IsKept()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.Limits((3, 1400)));
        await client.ExpectNothingAsync();
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        Assert.False(await flow.SendAsync(new byte[1401], cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(await flow.SendAsync(new byte[1400], cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WithoutCredit_DatagramsWaitWhole_AndTheQueueIsBounded()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(new MuxOptions { SendBuffer = 10_000 }, version: 1);
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        for (int i = 0; i < 65; i++)
        {
            await flow.SendTextAsync(new string('x', 1000));
            await client.Peer.ReceivePayloadAsync(flow.Id, 1000);
        }

        // 536 bytes of credit are left.
        int taken = 0;
        while (await flow.SendAsync(new byte[1000], cancellationToken: TestContext.Current.CancellationToken))
        {
            taken++;
        }

        Assert.Equal((9, 1), (taken, (int)flow.Dropped));
        await client.ExpectNothingAsync();
        await client.Peer.SendAsync(Raw.Credit(flow.Id, 463));
        await client.ExpectNothingAsync();
        await client.Peer.SendAsync(Raw.Credit(flow.Id, 1001));
        Assert.Equal(1000, (await client.Peer.ExpectAsync(FrameType.Keep, flow.Id)).Data!.Length);
        Assert.Equal(1000, (await client.Peer.ExpectAsync(FrameType.Keep, flow.Id)).Data!.Length);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task FirstInLine_ThatGetsNoCredit_MakesRoomAfterASecond()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(
            new MuxOptions { TimeProvider = time, MaxDatagramBefore = 60_000 }, version: 1);
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        Assert.True(await flow.SendAsync(new byte[60_000], cancellationToken: TestContext.Current.CancellationToken));
        await client.Peer.ExpectAsync(FrameType.Keep, flow.Id);
        Assert.True(await flow.SendAsync(new byte[60_000], cancellationToken: TestContext.Current.CancellationToken));
        await flow.SendTextAsync("behind it");
        await client.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1.5));
        await flow.SendTextAsync("last");
        await client.Peer.ExpectKeepAsync(flow.Id, "behind it");
        await client.Peer.ExpectKeepAsync(flow.Id, "last");
        Assert.Equal(1, flow.Dropped);
    }

    [Fact]
    public async Task Disposed_WithDatagramsThatGetNoCredit_ComesToItsEndAfterASecond()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(
            new MuxOptions { TimeProvider = time, MaxDatagramBefore = 60_000 }, version: 1);
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        foreach (int size in (int[])[60_000, 60_000, 50_000])
        {
            Assert.True(await flow.SendAsync(new byte[size], cancellationToken: TestContext.Current.CancellationToken));
        }

        await client.Peer.ExpectAsync(FrameType.Keep, flow.Id);
        await flow.DisposeAsync();
        await client.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(2));

        await client.Peer.ExpectEndAsync(flow.Id);
        Assert.Equal(2, flow.Dropped);
        await client.Peer.SendAsync(Raw.End(flow.Id));
        await flow.Completion.Guarded();
    }

    [Fact]
    public async Task Stream_IsNoFlow_AndAFlowNoStream()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        DatagramSession flow = await client.OpenDatagramsAsync(Target);
        Assert.Throws<InvalidOperationException>(() => flow.Session.Input);
        Assert.Throws<InvalidOperationException>(() => flow.Session.Output);
        Assert.Throws<InvalidOperationException>(() => flow.Session.AsStream());
        Assert.Throws<InvalidOperationException>(client.Neighbour.AsDatagrams);
        Assert.True(client.Worker.TryReserve());
        Assert.Throws<ArgumentException>(() => client.Worker.OpenDatagrams(Destination.Tcp("10.0.0.1", 53)));
    }

    [Fact]
    public async Task AcceptAll_RefusesFlows_UnlessTheyAreAskedFor()
    {
        (Link link, Link far) = Link.CreatePair();
        await using var peer = new FrameScript(far);
        await using IAsyncEnumerator<Session> sessions = new Server()
            .AcceptAllAsync(link, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        ValueTask<bool> next = sessions.MoveNextAsync();
        await peer.SendAsync(Raw.Negotiate(0));
        await peer.ExpectAsync(FrameType.NegotiateVersion, 0);
        await peer.SendAsync(Raw.New(1, Target, "x"), Raw.New(2, "target:80", "y"));
        await peer.ExpectEndAsync(1, ErrorCode.ProxyRejected);
        Assert.True(await next.Guarded());
        Assert.Equal(2, sessions.Current.Id);
    }

    [Fact]
    public async Task ManyFlows_AnOtherEndThatDoesNotRead_HoldNoMoreThanMaxBuffered()
    {
        const int Size = 60_000;
        var options = new MuxOptions { MaxBuffered = 1024 * 1024 };
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(options, Raw.Private);
        var flows = new List<DatagramSession>();
        for (int id = 10; id < 110; id++)
        {
            await server.Peer.SendAsync(Raw.New(id, Target));
            flows.Add((await server.AcceptAsync()).AsDatagrams());
        }

        int taken = 0;
        foreach (DatagramSession flow in flows)
        {
            taken += await flow.SendAsync(new byte[Size], cancellationToken: TestContext.Current.CancellationToken) ? 1 : 0;
        }

        // What went into a batch and the transport is not counted.
        Assert.InRange(taken * Size, 512 * 1024, (1024 * 1024) + (2 * 256 * 1024));
        Assert.Equal(flows.Count - taken, flows.Sum(static flow => flow.Dropped));
        await server.Peer.SendAsync(Raw.End(10, ErrorCode.RemoteDisconnect));
    }

    private static async Task<(ServerUnderTest Server, DatagramSession Flow)> AcceptAsync(uint version, byte[] open)
    {
        ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(version: version);
        await server.Peer.SendAsync(open);
        Session session = await server.AcceptAsync();
        session.ConfirmOpened();
        if (version == Raw.Private)
        {
            await server.Peer.ExpectOpenedAsync(5);
        }

        return (server, session.AsDatagrams());
    }
}
