using Microsoft.Extensions.Time.Testing;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Grants, from the other end and to it (SPEC 6.3.6).</summary>
public sealed class CreditUpdateTests
{
    [Fact]
    public async Task CreditUpdate_LetsSoManyBytesMoreThrough()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5);
        byte[] sent = new byte[200_000];
        new Random(5).NextBytes(sent);
        Task sending = target.SendAsync(sent);
        var received = new List<byte>(await server.Peer.ReceivePayloadAsync(5, 65536));
        await server.ExpectNothingAsync();

        // Two bytes are taken as well.
        await server.Peer.SendAsync(Raw.Frame("0005 05 01", Wired.Bytes("ffff")));
        received.AddRange(await server.Peer.ReceivePayloadAsync(5, 65535));
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 1));
        received.AddRange(await server.Peer.ReceivePayloadAsync(5, 1));
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 3), Raw.Credit(5, 4), Raw.Frame("0005 05 01 aabb", Wired.Bytes("00000002")));
        received.AddRange(await server.Peer.ReceivePayloadAsync(5, 9));
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 1_000_000));
        received.AddRange(await server.Peer.ReceivePayloadAsync(5, 200_000 - 65536 - 65535 - 10));
        await sending;
        Assert.Equal(sent, received);
    }

    [Theory]
    [InlineData("increment 0", "0004 0005 05 01 0004 00000000")]
    [InlineData("increment 0 in 2 bytes", "0004 0005 05 01 0002 0000")]
    [InlineData("no D", "0004 0005 05 00")]
    [InlineData("no bytes", "0004 0005 05 01 0000")]
    [InlineData("1 byte", "0004 0005 05 01 0001 01")]
    [InlineData("3 bytes", "0004 0005 05 01 0003 010101")]
    [InlineData("8 bytes", "0004 0005 05 01 0008 0000000100000001")]
    public async Task CreditUpdate_ThatIsNone_EndsTheSession(string what, string bytes)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, what);
        await server.Peer.SendAsync(Wired.Bytes(bytes), Raw.Keep(ServerUnderTest.Neighbour, "next"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await server.Peer.ExpectKeepAsync(ServerUnderTest.Neighbour, "next");
        await target.ExpectResetAsync();
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task CreditUpdate_ThatIsNoneAtTheClient_EndsTheSession()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Session session = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.Frame("0002 05 00"));
        await client.Peer.ExpectEndAsync(2, ErrorCode.ProtocolError);
        await session.ExpectErrorAsync(ErrorCode.ProtocolError, remote: false);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task CreditUpdate_WithJunkOf65535Bytes_KeepsTheBoundary()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.Frame("0005 05 01", new byte[65535]), Raw.Frame("0006 05 01", new byte[65535]));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task CreditUpdate_UnknownId_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(
            Raw.Credit(5, 1), Raw.Credit(0, 1), Raw.Credit(6, 0), Raw.Frame("0007 05 00"), Raw.Frame("0008 05 01", new byte[7]));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task CreditUpdate_BeyondAllBounds_Saturates()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5);
        await server.Peer.SendAsync(
            Raw.Credit(5, uint.MaxValue), Raw.Credit(5, 0xffff0000), Raw.Credit(5, int.MaxValue), Raw.Credit(5, 65536));
        byte[] sent = new byte[300_000];
        Task sending = target.SendAsync(sent);
        await server.Peer.ReceivePayloadAsync(5, sent.Length);
        await sending;
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Grant_FollowsTheConsumption_OneFrameForMany()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(new MuxOptions { WindowBudget = 0 });
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[60_000]));
        await server.ExpectNothingAsync();
        await session.ReadExactlyAsync(32767);
        await server.ExpectNothingAsync();
        await session.ReadExactlyAsync(1);
        Assert.Equal(32768u, (await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5)).Credit);
        await server.ExpectNothingAsync();
        await session.ReadExactlyAsync(60_000 - 32768);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Grant_OfAReaderThatKeepsUp_GrowsUpToTheLargestWindow()
    {
        const int MaxWindow = 1024 * 1024;
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(new MuxOptions { MaxWindow = MaxWindow });
        Session session = await server.AcceptNewAsync(5);
        long credit = 65536;
        long received = 0;
        while (credit < MaxWindow)
        {
            // The other end uses all of its credit and then waits: the window is what limits it.
            for (long left = credit; left > 0; left -= 65535)
            {
                await server.Peer.SendAsync(Raw.Keep(5, new byte[Math.Min(left, 65535)]));
            }

            await session.ReadExactlyAsync((int)credit);
            received += credit;

            // All is consumed, so by the next marker all that is due has been granted: within half a window of the whole.
            credit = 0;
            await server.Peer.SendAsync(Raw.Keep(ServerUnderTest.Neighbour, "marker"));
            ScriptFrame frame;
            while ((frame = await server.Peer.ReceiveAsync()).Type == FrameType.CreditUpdate)
            {
                Assert.Equal(5, frame.Id);
                credit += frame.Credit;
            }

            Assert.Equal("marker", frame.Text);
            Assert.InRange(credit, 65536 / 2, MaxWindow);
            Assert.True(received < 100_000_000, $"The window is still {credit} after {received} bytes.");
        }
    }

    [Fact]
    public async Task Grant_AfterTheOtherEndsEnd_IsNotSent()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[60_000]), Raw.End(5));
        await session.ReadExactlyAsync(60_000);
        await session.ExpectEndOfStreamAsync();
        await server.ExpectNothingAsync();
        session.CompleteWrites();
        await server.Peer.ExpectEndAsync(5);
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(65536)]
    [InlineData(16 * 1024 * 1024)]
    public async Task Grant_JustBeforeOurEnd_IsTheLargestWindowAndTheLast(int maxWindow)
    {
        var options = new MuxOptions { MaxWindow = maxWindow };
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(options, version: 1);
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[1000]));
        await session.ReadExactlyAsync(1000);
        session.CompleteWrites();
        Assert.Equal((uint)(maxWindow - 65536 + 1000), (await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5)).Credit);
        await server.Peer.ExpectEndAsync(5);

        // All of it may come, and is delivered, and no grant follows.
        for (int left = maxWindow; left > 0; left -= 65535)
        {
            Task<byte[]> read = session.ReadExactlyAsync(Math.Min(left, 65535));
            await server.Peer.SendAsync(Raw.Keep(5, new byte[Math.Min(left, 65535)]));
            await read;
        }

        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Keep(5, "x"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await session.ExpectErrorAsync(ErrorCode.ProtocolError, remote: false);
    }

    [Fact]
    public async Task Grant_BeforeTheEndOfAServerOf00_IsNotSent()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[1000]));
        await session.ReadExactlyAsync(1000);
        session.CompleteWrites();
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[60_000]));
        await session.ReadExactlyAsync(60_000);
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public async Task Grants_JustBeforeManyEnds_StarveNobody(uint version)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        for (int id = 2; id <= 41; id++)
        {
            Session session = await client.OpenAsync();
            session.CompleteWrites();
            uint grant = (await client.Peer.ExpectAsync(FrameType.CreditUpdate, id)).Credit;
            Assert.InRange(grant, (1024u * 1024) - 65536, 16u * 1024 * 1024);
            await client.Peer.ExpectEndAsync(id);
        }

        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(0u, true)]
    [InlineData(1u, true)]
    [InlineData(0x8001u, false)]
    public async Task Grant_OfAByteEach20Seconds_WhileTheReaderPauses(uint version, bool isExpected)
    {
        var time = new FakeTimeProvider();
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(
            new MuxOptions { TimeProvider = time, KeepAliveInterval = Timeout.InfiniteTimeSpan, PingInterval = Timeout.InfiniteTimeSpan },
            version);
        Session paused = await server.AcceptNewAsync(5);
        paused.ConfirmOpened();
        await server.AcceptNewAsync(7);
        if (version == Raw.Private)
        {
            await server.Peer.ExpectOpenedAsync(5);
        }

        await server.Peer.SendAsync(Raw.Keep(5, new byte[65535]), Raw.Keep(5, new byte[1]));
        await Until.TrueAsync(() => paused.Receiver.Unread == 65536);
        for (int round = 1; round <= 6; round++)
        {
            time.Advance(TimeSpan.FromSeconds(20.5));
            if (isExpected)
            {
                Assert.Equal(1u, (await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5)).Credit);
                await server.Peer.SendAsync(Raw.Keep(5, new byte[1]));
                await Until.TrueAsync(() => paused.Receiver.Unread == 65536 + round);
            }

            await server.ExpectNothingAsync();
        }

        // The reader goes on, and so does the credit.
        await paused.ReadExactlyAsync(65536);
        Assert.True((await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5)).Credit >= 65536);
    }

    [Fact]
    public async Task Grant_BeforeOurEnd_OfOneThatDoesNotRead_IsNotSent()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(version: 1);
        Session session = await server.AcceptNewAsync(5, "unread");
        await session.Input.CompleteAsync();
        session.CompleteWrites();
        await server.Peer.ExpectEndAsync(5);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Grant_OfAnAbortedSession_IsNotSent()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[60_000]), Raw.End(5, ErrorCode.RemoteDisconnect));
        await server.Peer.ExpectEndAsync(5);
        await session.ReadExactlyAsync(60_000);
        await session.DisposeAsync();
        await server.ExpectNothingAsync();
    }
}
