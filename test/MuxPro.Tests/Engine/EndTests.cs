using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>The three forms of End, and what it means (SPEC 6.3.4).</summary>
public sealed class EndTests
{
    [Fact]
    public async Task End_0000_IsTheEndOfTheStream_AndTheAnswerStillComes()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "question");
        await server.Peer.SendAsync(Raw.Keep(5, "!"), Raw.End(5));
        await target.ExpectTextAsync("!");
        await target.ExpectEndOfStreamAsync();
        await server.ExpectNothingAsync();
        await target.SendTextAsync("answer");
        await server.Peer.ExpectKeepAsync(5, "answer");
        await target.Output.CompleteAsync();
        await server.Peer.ExpectEndAsync(5);
        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    [Fact]
    public async Task End_0000_OfTheTarget_StillLetsTheClientSend()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await target.SendTextAsync("bye");
        await target.Output.CompleteAsync();
        await server.Peer.ExpectKeepAsync(5, "bye");
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, "one more thing"), Raw.End(5));
        await target.ExpectTextAsync("one more thing");
        await target.ExpectEndOfStreamAsync();
        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    [Theory]
    [InlineData("0006 0005 03 01 0003", "bare, as the prototype writes it")]
    [InlineData("0006 0005 03 01 0003 0000", "with empty Extra Data")]
    [InlineData("0006 0005 03 01 0003 0006 0005 03 01 0003", "bare and doubled")]
    [InlineData("0006 0005 03 01 0003 0000 0006 0005 03 01 0003 0000", "doubled with empty Extra Data")]
    [InlineData("0006 0005 03 01 0003 0004 0005 03 00", "bare, and a graceful one behind")]
    [InlineData("0008 0005 03 01 0003 abcd", "with metadata of the future")]
    public async Task End_WithACode_IsAnsweredOnceAndResetsTheTarget(string bytes, string what)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, what);

        // What follows at once carries data: a reader that lost the boundary would lose the main connection.
        await server.Peer.SendAsync(Wired.Bytes(bytes), Raw.Keep(ServerUnderTest.Neighbour, "next"));
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.ExpectKeepAsync(ServerUnderTest.Neighbour, "next");
        await target.ExpectResetAsync();
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("0004 0005 03 00", "no D")]
    [InlineData("0004 0005 03 01", "D and no code")]
    [InlineData("0004 0005 03 01 0000", "D, no code, empty Extra Data")]
    [InlineData("0006 0005 03 01 0000", "D and code 0000")]
    [InlineData("0006 0005 03 01 0000 0000", "D, code 0000, empty Extra Data")]
    [InlineData("0006 0005 03 00 0003", "a code, but no D")]
    public async Task End_WithoutACode_IsInOrder(string bytes, string what)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, what);
        await server.Peer.SendAsync(Wired.Bytes(bytes), Raw.Keep(ServerUnderTest.Neighbour, "next"));
        await server.Peer.ExpectKeepAsync(ServerUnderTest.Neighbour, "next");
        await target.ExpectEndOfStreamAsync();
        await target.DisposeAsync();
        await server.Peer.ExpectEndAsync(5);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task End_UnknownId_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(
            Raw.End(5), Raw.End(5, ErrorCode.ProtocolError), Raw.BareEnd(6), Raw.BareEnd(6), Raw.BareEnd(0), Raw.Frame("0007 03 01"));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task End_AfterBothEnds_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.End(5), Raw.End(5));
        await target.ExpectEndOfStreamAsync();
        await target.DisposeAsync();
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.SendAsync(Raw.End(5), Raw.BareEnd(5));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task End_WithACode_AfterAnEnd0000OfTheSameEnd_ResetsTheTarget()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.End(5));
        await target.ExpectEndOfStreamAsync();
        await server.Peer.SendAsync(Raw.End(5, ErrorCode.RemoteDisconnect));
        await server.Peer.ExpectEndAsync(5);
        await Assert.ThrowsAnyAsync<IOException>(() => WriteUntilItFailsAsync(target));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task End_WithACode_AfterOurEnd0000_IsNotAnswered()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5, "x");
        session.CompleteWrites();
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.SendAsync(Raw.End(5, ErrorCode.OperationTimeout));
        await server.ExpectNothingAsync();
        await session.ExpectTextAsync("x");
        await session.ExpectErrorAsync(ErrorCode.OperationTimeout, remote: true);
        await session.Completion.Guarded();
    }

    [Theory]
    [InlineData((ushort)1)]
    [InlineData((ushort)2)]
    [InlineData((ushort)6)]
    [InlineData((ushort)7)]
    [InlineData((ushort)0x1234)]
    [InlineData((ushort)0xffff)]
    public async Task End_Code_SurvivesWithItsNumber(ushort code)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Session accepted = await server.AcceptNewAsync(5);
        Session opened = await client.OpenAsync();
        (FrameScript, Session)[] ends = [(server.Peer, accepted), (client.Peer, opened)];
        foreach ((FrameScript peer, Session session) in ends)
        {
            await peer.SendAsync(Raw.End(session.Id, (ErrorCode)code));
            await peer.ExpectEndAsync(session.Id);
            SessionException error = await session.ExpectErrorAsync((ErrorCode)code, remote: true);
            Assert.Contains($"{code:x4}", error.Message, StringComparison.Ordinal);
            await session.Completion.Guarded();
            Assert.Equal((ErrorCode)code, session.EndCode);
            await Assert.ThrowsAsync<SessionException>(() => session.SendTextAsync("x"));
        }
    }

    [Theory]
    [InlineData((ushort)1)]
    [InlineData((ushort)0x1234)]
    public async Task Abort_Code_IsWrittenAsItIs(ushort code)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5, "unread");
        session.Abort((ErrorCode)code);
        await server.Peer.ExpectEndAsync(5, (ErrorCode)code);
        await session.ExpectErrorAsync((ErrorCode)code, remote: false);
        await server.Peer.SendAsync(Raw.End(5));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Abort_DropsWhatWasNotSent()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await session.SendAsync(new byte[100_000]);
        await server.Peer.ReceivePayloadAsync(5, 65536);
        session.Abort(ErrorCode.RemoteDisconnect);
        await server.Peer.ExpectEndAsync(5, ErrorCode.RemoteDisconnect);
        await server.Peer.SendAsync(Raw.Credit(5, 100_000));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task CompleteWrites_WaitsForCreditAndSendsAllBeforeTheEnd()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.End(5));
        await session.SendAsync(new byte[100_000]);
        session.CompleteWrites();
        await server.Peer.ReceivePayloadAsync(5, 65536);
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 30_000));
        await server.Peer.ReceivePayloadAsync(5, 30_000);
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 30_000));
        await server.Peer.ReceivePayloadAsync(5, 4464);
        await server.Peer.ExpectEndAsync(5);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Complete_WithBytesThatWereNotFlushed_SendsThemBeforeTheEnd()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5);
        await server.Peer.SendAsync(Raw.End(5));
        await session.ExpectEndOfStreamAsync();
        Raw.Text("not flushed").CopyTo(session.Output.GetSpan(20));
        session.Output.Advance(11);
        await session.Output.CompleteAsync();
        await server.Peer.ExpectKeepAsync(5, "not flushed");
        await server.Peer.ExpectEndAsync(5);
        await session.Completion.Guarded();
        Assert.Equal(ErrorCode.GracefulShutdown, session.EndCode);
    }

    [Fact]
    public async Task Dispose_OfOneWhoseOtherEndGoesOnSending_TellsItToStop()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session session = await server.AcceptNewAsync(5, "x");
        await session.DisposeAsync();
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.SendAsync(Raw.Keep(5, "does anybody listen?"));
        await server.Peer.ExpectEndAsync(5, ErrorCode.RemoteDisconnect, isOpen: false);
        await server.Peer.SendAsync(Raw.Keep(5, "still"), Raw.End(5));
        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    private static async Task WriteUntilItFailsAsync(Link link)
    {
        while (!(await link.Output.WriteAsync(new byte[1], TestContext.Current.CancellationToken).Guarded()).IsCompleted)
        {
        }

        throw new IOException("The reader is gone.");
    }
}
