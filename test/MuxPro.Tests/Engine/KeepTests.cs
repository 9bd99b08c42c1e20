using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Payload (SPEC 6.3.3), and how much of it there may be (SPEC 6.3.6).</summary>
public sealed class KeepTests
{
    [Fact]
    public async Task Keep_UnknownId_RepliesEndOnce()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.Keep(5, "x"), Raw.Keep(5, "y"), Raw.Keep(6, "z"), Raw.Keep(5, ""));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError, isOpen: false);
        await server.Peer.ExpectEndAsync(6, ErrorCode.ProtocolError, isOpen: false);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_UnknownIdAtTheClient_RepliesEndOnce()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        await client.Peer.SendAsync(Raw.Keep(5, "x"), Raw.Keep(5, "y"));
        await client.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError, isOpen: false);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_LongGoneId_RepliesEndOnceAndAgainAfterANewHolder()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        for (int round = 0; round < 2; round++)
        {
            Link target = await server.OpenAsync(5, "x");
            await server.Peer.SendAsync(Raw.End(5));
            await target.ExpectEndOfStreamAsync();
            await target.DisposeAsync();
            await server.Peer.ExpectEndAsync(5);
            await server.Peer.SendAsync(Raw.Keep(5, "late"), Raw.Keep(5, "later"));
            await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError, isOpen: false);
            await server.ExpectNothingAsync();
        }
    }

    [Fact]
    public async Task Keep_ForAnIdThatWeHaveJustEnded_IsDropped()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5, "x");
        session.Abort(ErrorCode.ResourceExhaustion);
        await server.Peer.ExpectEndAsync(5, ErrorCode.ResourceExhaustion);
        await server.Peer.SendAsync(Raw.Keep(5, "late"), Raw.Credit(5, 7), Raw.Keep(5, new byte[60000]), Raw.Keep(5, new byte[60000]));
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.End(5));
        Assert.Equal(5, (await server.AcceptNewAsync(5)).Id);
    }

    [Fact]
    public async Task Keep_WithoutData_MeansNothing()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.KeepWithoutData(5), Raw.KeepWithoutData(77), Raw.Keep(5, "y"));
        await target.ExpectTextAsync("y");
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_OfNoBytes_MeansNothingOnAStream()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.Keep(5, ""), Raw.Keep(5, "y"), Raw.Keep(5, ""), Raw.End(5));
        await target.ExpectTextAsync("y");
        await target.ExpectEndOfStreamAsync();
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_AfterTheOwnEnd_EndsTheSession()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.End(5), Raw.Keep(5, "what else"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError, isOpen: false);

        // In its other direction the first End may have come before.
        await target.Output.WhenReaderIsGoneAsync();
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_UpToTheCredit_IsTakenWhole()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        await server.Peer.SendAsync(Raw.New(5, "target:80", new byte[65535]), Raw.Keep(5, new byte[1]));
        Session session = await server.AcceptAsync();
        await Until.ReceivedAsync(session, 65536); // a reader that sees a part of it, and needs more, is granted more
        Assert.Equal(65536, (await session.ReadExactlyAsync(65536)).Length);
        ScriptFrame grant = await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5);
        Assert.True(grant.Credit >= 65536, $"{grant.Credit} granted after 65536 bytes were consumed.");
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(1, 65535, 65535, 2)]
    [InlineData(1, 32768, 32768, 1)]
    [InlineData(0, 65535, 1, 1)]
    public async Task Keep_OverTheCredit_EndsTheSession(int first, int second, int third, int fourth)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        int sent = first;
        await server.Peer.SendAsync(Raw.New(5, "target:80", new byte[first]));
        Session session = await server.AcceptAsync();
        foreach (int length in (int[])[second, third, fourth])
        {
            await server.Peer.SendAsync(Raw.Keep(5, new byte[length]));
            sent += length;
        }

        Assert.True(sent > 65536);
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await session.ExpectErrorAsync(ErrorCode.ProtocolError, remote: false);
        await server.Peer.SendAsync(Raw.Keep(5, "late"));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_OverTheCreditOfAPendingDial_CancelsIt()
    {
        var cancelled = new TaskCompletionSource();
        FakeDispatcher dispatcher = new FakeDispatcher().On("slow", async cancel =>
        {
            await using CancellationTokenRegistration registration = cancel.Register(cancelled.SetResult);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
            throw new InvalidOperationException("Not reached.");
        });
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher);
        await server.Peer.SendAsync(Raw.New(5, "slow:80", new byte[65535]), Raw.Keep(5, new byte[2]));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
        await cancelled.Task.Guarded();
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_OverTheCreditAtTheClient_EndsTheSession()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Session session = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.Keep(2, new byte[65535]), Raw.Keep(2, new byte[2]));
        await client.Peer.ExpectEndAsync(2, ErrorCode.ProtocolError);
        await session.ExpectErrorAsync(ErrorCode.ProtocolError, remote: false);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Keep_BeforeAFailure_IsReadBeforeTheError()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5, "first ");
        await server.Peer.SendAsync(Raw.Keep(5, "second"), Raw.End(5, ErrorCode.DestinationUnreachable));
        await server.Peer.ExpectEndAsync(5);
        await session.ExpectTextAsync("first second");
        await session.ExpectErrorAsync(ErrorCode.DestinationUnreachable, remote: true);
    }
}
