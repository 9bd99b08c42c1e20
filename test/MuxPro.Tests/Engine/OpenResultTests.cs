using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What the client hears of the target (SPEC 8, open result), and what it has to guess before the private version.</summary>
public sealed class OpenResultTests
{
    [Fact]
    public async Task Server_SaysOpenedFirst_OnceTheTargetIsReached()
    {
        var reached = new TaskCompletionSource<Link>(TaskCreationOptions.RunContinuationsAsynchronously);
        FakeDispatcher dispatcher = new FakeDispatcher().On("slow", _ => new ValueTask<Link>(reached.Task));
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher, version: Raw.Private);
        await server.Peer.SendAsync(Raw.New(5, "slow:80", "question"));
        await server.ExpectNothingAsync();
        (Link near, Link far) = Link.CreatePair();
        await far.SendTextAsync("banner");
        reached.SetResult(near);
        await server.Peer.ExpectOpenedAsync(5);
        await server.Peer.ExpectKeepAsync(5, "banner");
        await far.ExpectTextAsync("question");
    }

    [Theory]
    [InlineData(FailureDetail.None, "0006 0005 03 01 0005 0000")]
    [InlineData(FailureDetail.NameNotFound, "0007 0005 03 01 0005 02 0000")]
    public async Task Server_OfATargetThatIsNotReached_SaysEndAndWhy(FailureDetail detail, string end)
    {
        var error = new SessionException(ErrorCode.DestinationUnreachable, "It is not there.") { Detail = detail };
        FakeDispatcher dispatcher = new FakeDispatcher().On("nowhere", error);
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher, version: Raw.Private);
        await server.Peer.SendAsync(Raw.New(5, "nowhere:80"));
        await server.Peer.ExpectBytesAsync(Wired.Bytes(end));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Server_BeforeThePrivateVersion_SaysNothing(uint version)
    {
        var error = new SessionException(ErrorCode.DestinationUnreachable, "It is not there.") { Detail = FailureDetail.NameNotFound };
        FakeDispatcher dispatcher = new FakeDispatcher().On("nowhere", error);
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher, version: version);
        await server.OpenAsync(5, "x");
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.New(6, "nowhere:80"));
        await server.Peer.ExpectEndAsync(6, ErrorCode.DestinationUnreachable);
    }

    [Theory]
    [InlineData("read")]
    [InlineData("write")]
    [InlineData("end")]
    [InlineData("say so")]
    public async Task AcceptedSession_IsOpenedByItsFirstUse(string use)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(version: Raw.Private);
        Session session = await server.AcceptNewAsync(5);
        await server.ExpectNothingAsync();
        switch (use)
        {
            case "read":
                Task<byte[]> reading = session.ReadAsync();
                await server.Peer.ExpectOpenedAsync(5);
                await server.Peer.SendAsync(Raw.Keep(5, "x"));
                Assert.Equal("x"u8.ToArray(), await reading);
                break;
            case "write":
                await session.SendTextAsync("x");
                await server.Peer.ExpectOpenedAsync(5);
                await server.Peer.ExpectKeepAsync(5, "x");
                break;
            case "end":
                session.CompleteWrites();
                await server.Peer.ExpectOpenedAsync(5);
                await server.Peer.ExpectEndAsync(5);
                break;
            default:
                session.ConfirmOpened();
                session.ConfirmOpened();
                await server.Peer.ExpectOpenedAsync(5);
                break;
        }

        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task AcceptedSession_ThatIsAborted_WasNeverOpened()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(version: Raw.Private);
        Session session = await server.AcceptNewAsync(5);
        session.Abort(ErrorCode.ProxyRejected);
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProxyRejected);
    }

    [Fact]
    public async Task Client_HearsOfTheTarget()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session session = await client.OpenAsync();
        Assert.True(session.HasOpenResult);
        Task opened = session.RemoteOpened;
        Assert.False(opened.IsCompleted);
        await client.Peer.SendAsync(Raw.Opened(session.Id));
        await opened.Guarded();
        await session.RemoteOpened.Guarded();
        await client.Peer.SendAsync(Raw.Keep(session.Id, "x"));
        await session.ExpectTextAsync("x");
    }

    [Fact]
    public async Task Client_TakesPayloadForTheResult()
    {
        // SPEC 8 has OPENED first; a Keep with both says it too.
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session session = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.Frame($"{session.Id:x4} 02 21", "both"u8.ToArray()));
        await session.RemoteOpened.Guarded();
        await session.ExpectTextAsync("both");
    }

    [Theory]
    [InlineData("0006 0002 03 01 0005 0000", FailureDetail.None)]
    [InlineData("0007 0002 03 01 0005 01 0000", FailureDetail.ConnectionRefused)]
    [InlineData("0009 0002 03 01 0005 63 abcd 0000", (FailureDetail)0x63)]
    public async Task Client_HearsWhyTheTargetWasNotReached(string end, FailureDetail detail)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session session = await client.OpenAsync();
        Task opened = session.RemoteOpened;
        await client.Peer.SendAsync(Wired.Bytes(end));
        foreach (Task result in (Task[])[opened, session.RemoteOpened])
        {
            var error = await Assert.ThrowsAsync<SessionException>(() => result.Guarded());
            Assert.Equal((ErrorCode.DestinationUnreachable, detail, true), (error.ErrorCode, error.Detail, error.IsRemote));
        }

        await client.Peer.ExpectEndAsync(session.Id);
        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("payload")]
    [InlineData("end")]
    public async Task Client_BeforeThePrivateVersion_TakesTheFirstSignForIt(string sign)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        Session session = await client.OpenAsync();
        Assert.False(session.HasOpenResult);
        Task opened = session.RemoteOpened;

        // Bit 20 is not known here: it means nothing.
        await client.Peer.SendAsync(Raw.Opened(session.Id));
        await client.ExpectNothingAsync();
        Assert.False(opened.IsCompleted);
        await client.Peer.SendAsync(sign == "end" ? Raw.End(session.Id) : Raw.Keep(session.Id, "x"));
        await opened.Guarded();
    }

    [Fact]
    public async Task MainConnectionGone_FailsTheResult()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session session = await client.OpenAsync();
        Task opened = session.RemoteOpened;
        await client.Peer.CompleteAsync();
        var error = await Assert.ThrowsAsync<MainConnectionException>(() => opened.Guarded());
        Assert.Equal(MainConnectionEnd.ClosedByPeer, error.Reason);
    }
}
