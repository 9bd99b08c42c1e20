using System.Net;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>How a client opens, and what a server makes of it (SPEC 6.3.2).</summary>
public sealed class NewTests
{
    [Theory]
    [InlineData("no fields", "0007 01 01")]
    [InlineData("network 00", "0007 01 01 00 00 0050 01 7f000001")]
    [InlineData("network 03", "0007 01 01 03 00 0050 01 7f000001")]
    [InlineData("no priority", "0007 01 01 01")]
    [InlineData("no port", "0007 01 01 01 00 00")]
    [InlineData("no address", "0007 01 01 01 00 0050")]
    [InlineData("address type 00", "0007 01 01 01 00 0050 00 7f000001")]
    [InlineData("address type 04", "0007 01 01 01 00 0050 04 7f000001")]
    [InlineData("3 bytes of IPv4", "0007 01 01 01 00 0050 01 7f0000")]
    [InlineData("15 bytes of IPv6", "0007 01 01 01 00 0050 03 000000000000000000000000000000")]
    [InlineData("a domain past the metadata", "0007 01 01 01 00 0050 02 05 61626364")]
    [InlineData("no length of the domain", "0007 01 01 01 00 0050 02")]
    [InlineData("an empty domain", "0007 01 01 01 00 0050 02 00")]
    [InlineData("a blank in the domain", "0007 01 01 01 00 0050 02 03 612062")]
    [InlineData("a slash in the domain", "0007 01 01 01 00 0050 02 03 612f62")]
    [InlineData("a NUL in the domain", "0007 01 01 01 00 0050 02 03 610062")]
    [InlineData("a letter beyond ASCII in the domain", "0007 01 01 01 00 0050 02 02 c3a4")]
    public async Task New_ThatCannotBeTrusted_RepliesEndAndDropsThePayload(string what, string metadata)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();

        // The payload looks like a frame that would end the main connection.
        await server.Peer.SendAsync(Raw.Frame(metadata, Raw.Frame("0000 06 00")));
        await server.Peer.ExpectEndAsync(7, ErrorCode.ProtocolError);
        await server.ExpectNothingAsync();

        // The client could not know when it sent these.
        await server.Peer.SendAsync(Raw.Keep(7, "more"), Raw.Credit(7, 1), Raw.End(7));
        await server.ExpectNothingAsync();
        Link target = await server.OpenAsync(7, what);
        await target.SendTextAsync(what);
        await server.Peer.ExpectKeepAsync(7, what);
    }

    [Fact]
    public async Task New_WithABadAddressAndNoPayload_RepliesEnd()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.Frame("0007 01 00 09 00 0050 01 7f000001"), Raw.Frame("0008 01 00 01 00 0050 09 7f000001"));
        await server.Peer.ExpectEndAsync(7, ErrorCode.ProtocolError);
        await server.Peer.ExpectEndAsync(8, ErrorCode.ProtocolError);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task New_ForAnOpenId_RepliesEndAndEndsTheOldOne()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.New(5, "target:80", "of the second"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await target.ExpectResetAsync();
        await server.Peer.SendAsync(Raw.Keep(5, "late"), Raw.Credit(5, 9));
        await server.ExpectNothingAsync();

        // Both ends have said End: the id is free.
        await server.Peer.SendAsync(Raw.End(5));
        Link second = await server.OpenAsync(5, "y");
        await second.SendTextAsync("z");
        await server.Peer.ExpectKeepAsync(5, "z");
    }

    [Fact]
    public async Task New_AfterBothEnds_TakesTheIdAgain()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        for (int round = 0; round < 3; round++)
        {
            Link target = await server.OpenAsync(5, $"round {round}");
            await server.Peer.SendAsync(Raw.End(5));
            await target.ExpectEndOfStreamAsync();
            await target.DisposeAsync();
            await server.Peer.ExpectEndAsync(5);
        }

        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    [Fact]
    public async Task New_AfterBothEnds_IsNotEndedByWhatWasStillOwedToTheOldOne()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session bulk = await server.AcceptNewAsync(3);
        Session old = await server.AcceptNewAsync(5);
        old.CompleteWrites();
        await server.Peer.ExpectEndAsync(5);

        // From here on the transport takes nothing, so the End that the second New is answered with waits.
        await bulk.SendAsync(new byte[65536]);
        await server.Peer.PeekAsync();
        await server.Peer.SendAsync(Raw.New(5, "target:80", "of the second"), Raw.Keep(5, "late"), Raw.End(5));
        Session session = await server.AcceptNewAsync(5, "of the third");
        await old.ExpectErrorAsync(ErrorCode.ProtocolError, remote: false);

        // Both ends have ended the old one: nothing is owed any more.
        await server.Peer.ReceivePayloadAsync(3, 65536);
        await server.ExpectNothingAsync();
        await session.ExpectTextAsync("of the third");
        await session.SendTextAsync("answer");
        await server.Peer.ExpectKeepAsync(5, "answer");
        Assert.Equal(3, server.Worker.ActiveSessions);
        await server.Peer.CompleteAsync();
        await Assert.ThrowsAsync<MainConnectionException>(() => session.ReadAsync());
    }

    [Fact]
    public async Task New_WithTheLastId_Opens()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.New(0xffff, "echo:7", "x"));
        await server.Peer.ExpectKeepAsync(0xffff, "x");
    }

    [Theory]
    [InlineData("tcp:example.com:80", "000d")]
    [InlineData("tcp:192.0.2.1:65535", "")]
    [InlineData("tcp:[2001:db8::1]:1", "")]
    [InlineData("tcp:a_b-c.D:0", "")]
    public async Task New_Destination_ReachesTheDispatcher(string destination, string payload)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.New(5, destination, payload));
        (Destination asked, Link target) = await server.Dispatcher.AcceptAnyAsync();
        Assert.Equal(Destination.Parse(destination), asked);
        await target.SendTextAsync("x");
        await server.Peer.ExpectKeepAsync(5, "x");
    }

    [Fact]
    public async Task New_DomainThatReadsAsAnAddress_IsThatAddress()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.Frame("0005 01 00 01 00 0050 02 09 3132372e302e302e31"));
        (Destination asked, Link _) = await server.Dispatcher.AcceptAnyAsync();
        Assert.Equal(IPAddress.Loopback, asked.Address);
    }

    [Fact]
    public async Task New_Priority_IsTheSessions()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        await server.Peer.SendAsync(Raw.New(5, "target:80", payload: (byte[]?)null, priority: 255));
        Session session = await server.AcceptAsync();
        Assert.Equal(255, session.Priority);
    }

    [Fact]
    public async Task New_PayloadOf65535_IsDeliveredWhole()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        byte[] payload = new byte[65535];
        new Random(1).NextBytes(payload);
        await server.Peer.SendAsync(Raw.New(5, "target:80", payload));
        Session session = await server.AcceptAsync();
        Assert.Equal(payload, await session.ReadExactlyAsync(payload.Length));
    }

    [Fact]
    public async Task New_OfAUdpFlow_ThatTheDispatcherRefuses_EndsAlone()
    {
        var direct = new DirectDispatcher(new DirectOptions { AllowPrivate = false });
        FakeDispatcher dispatcher = new FakeDispatcher().OnDatagrams(direct.DispatchDatagramsAsync);
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher);
        await server.Peer.SendAsync(Raw.New(5, "udp:192.0.2.1:53", "datagram"), Raw.Keep(5, "another"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProxyRejected);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_Open_WritesNewWithTheFirstPayload()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Assert.True(client.Worker.TryReserve());
        Session session = client.Worker.Open(Destination.Tcp("example.com", 443), priority: 3);
        await session.SendTextAsync("first");
        ScriptFrame frame = await client.Peer.ExpectAsync(FrameType.New, 2);
        Assert.Equal("0103" + "01bb" + "020b" + Convert.ToHexStringLower(Raw.Text("example.com")), Convert.ToHexStringLower(frame.Fields));
        string payload = frame.Text;
        while (payload.Length < 5)
        {
            payload += (await client.Peer.ExpectAsync(FrameType.Keep, 2)).Text;
        }

        Assert.Equal("first", payload);
    }

    [Fact]
    public async Task Client_AbortBeforeNewWasSent_SaysNothing()
    {
        // The transport takes nothing more, so what is opened now waits.
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Task flood = client.Neighbour.SendAsync(new byte[65536]);
        await client.Peer.PeekAsync();
        Assert.True(client.Worker.TryReserve());
        Session session = client.Worker.Open(Destination.Tcp("target", 80));
        session.Abort(ErrorCode.RemoteDisconnect);
        await session.ExpectErrorAsync(ErrorCode.RemoteDisconnect, remote: false);
        await client.Peer.ReceivePayloadAsync(1, 65536);
        await flood.Guarded();
        await client.Peer.SendAsync(Raw.Credit(1, 1000));
        await client.ExpectNothingAsync();
    }
}
