using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>A main connection on which nothing more is to be opened (SPEC 8, GoAway).</summary>
public sealed class GoAwayTests
{
    private static CancellationToken Never => CancellationToken.None;

    [Fact]
    public async Task Drain_SaysGoAway_ServesWhatIsOpen_AndCloses()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: Raw.Private);
        Link target = await server.OpenAsync(9001, "x");
        await server.Peer.ExpectOpenedAsync(9001);
        Task<int> drain = server.Worker.DrainAsync(Never);
        ScriptFrame frame = await server.Peer.ExpectAsync(FrameType.GoAway, 9001);
        Assert.Equal([0, 0], frame.Data!.Take(2));
        Assert.NotEqual("", frame.Text[2..]);

        // SPEC 8: "later ones are not started".
        await server.Peer.SendAsync(Raw.New(9002, "target:80", "too late"), Raw.Keep(9001, "go on"));
        await target.ExpectTextAsync("go on");
        await server.ExpectNothingAsync();
        await target.Output.CompleteAsync();
        await server.Peer.ExpectEndAsync(9001);
        await server.Peer.SendAsync(Raw.End(9001));
        await server.ExpectNothingAsync();
        Assert.False(drain.IsCompleted);
        await server.Peer.SendAsync(Raw.End(ServerUnderTest.Neighbour));
        await server.Peer.ExpectEndAsync(ServerUnderTest.Neighbour);
        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(0, await drain.Guarded());
        Assert.Equal(MainConnectionEnd.ClosedLocally, server.Worker.Failure!.Reason);
    }

    [Fact]
    public async Task Drain_OfAnIdleMainConnection_SaysSoBeforeItCloses()
    {
        await using ServerUnderTest server = ServerUnderTest.Create();
        await server.Peer.SendAsync(Raw.Negotiate(Raw.Private));
        await server.Peer.ExpectAsync(FrameType.NegotiateVersion, 0);
        Task<int> drain = server.Worker.DrainAsync(Never);
        await server.Peer.ExpectAsync(FrameType.GoAway, 0);
        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(0, await drain.Guarded());
    }

    [Fact]
    public async Task Drain_WhileTheOtherEndReadsSlowly_RefusesNoNew_ItIsALaterOne()
    {
        var options = new MuxOptions { PingInterval = Timeout.InfiniteTimeSpan };
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(options, version: Raw.Private);
        Link target = await server.OpenAsync(9001, "x");
        await server.Peer.ExpectOpenedAsync(9001);

        // The GoAway has no room to be sent, and nothing is open any more: the main connection closes.
        await server.Peer.SendAsync(Raw.Credit(9001, 1 << 20));
        _ = new Payload(1).SendAsync(target.Output, 0, 1 << 20, cancellationToken: TestContext.Current.CancellationToken);
        await server.Peer.PeekAsync();
        await server.Peer.SendAsync(
            Raw.End(ServerUnderTest.Neighbour, ErrorCode.RemoteDisconnect), Raw.End(9001, ErrorCode.RemoteDisconnect));
        await Until.TrueAsync(() => server.Worker.ActiveSessions == 0);
        Task<int> drain = server.Worker.DrainAsync(Never);

        // More than is on its way at once: when the last of it is taken, the New was seen.
        byte[][] behind = [.. Enumerable.Range(0, 40_000).Select(static _ => Raw.KeepAlive())];
        await server.Peer.SendAsync([Raw.New(9002, "target:80", "too late"), .. behind]);
        var ended = new List<int>();
        ScriptFrame frame;
        while ((frame = await server.Peer.ReceiveAsync()).Type is FrameType.Keep or FrameType.End)
        {
            // The answers to both Ends may find room before the drain begins.
            if (frame.Type == FrameType.End)
            {
                ended.Add(frame.Id);
            }
        }

        Assert.Equal((FrameType.GoAway, 9001), (frame.Type, frame.Id));
        foreach (int id in ((int[])[ServerUnderTest.Neighbour, 9001]).Except(ended))
        {
            await server.Peer.ExpectEndAsync((ushort)id);
        }

        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(0, await drain.Guarded());
    }

    [Fact]
    public async Task Drain_AtItsDeadline_ClosesWhatIsOpen()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: Raw.Private);
        using var deadline = new CancellationTokenSource();
        Task<int> drain = server.Worker.DrainAsync(deadline.Token);
        await server.Peer.ExpectAsync(FrameType.GoAway, ServerUnderTest.Neighbour);
        await server.ExpectNothingAsync();
        await deadline.CancelAsync();
        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(1, await drain.Guarded());
    }

    [Fact]
    public async Task Drain_DoesNotWaitForWhatNobodyReadsAnyMore()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(
            new MuxOptions { TimeProvider = time, PingInterval = Timeout.InfiniteTimeSpan }, Raw.Private);
        Session session = await server.AcceptNewAsync(9001);
        session.ConfirmOpened();
        await server.Peer.ExpectOpenedAsync(9001);
        Task<int> drain = server.Worker.DrainAsync(Never);
        await server.Peer.ExpectAsync(FrameType.GoAway, 9001);

        // The application here is done in both directions; the client keeps its half open.
        await session.DisposeAsync();
        await server.Peer.ExpectEndAsync(9001);
        await server.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1.5));
        await server.Peer.ExpectEndAsync(9001, ErrorCode.RemoteDisconnect);
        await server.Peer.SendAsync(Raw.End(9001), Raw.End(ServerUnderTest.Neighbour));
        await server.Peer.ExpectEndAsync(ServerUnderTest.Neighbour);
        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(0, await drain.Guarded());
    }

    [Fact]
    public async Task Drain_BeforeThePrivateVersion_ServesUntilNothingIsOpen()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Task<int> drain = server.Worker.DrainAsync(Never);
        await server.ExpectNothingAsync();
        Link target = await server.OpenAsync(5, "still served");
        await server.Peer.SendAsync(Raw.End(ServerUnderTest.Neighbour));
        await server.Peer.ExpectEndAsync(ServerUnderTest.Neighbour);
        await target.SendTextAsync("answer");
        await server.Peer.ExpectKeepAsync(5, "answer");
        await server.Peer.SendAsync(Raw.End(5, ErrorCode.RemoteDisconnect));
        await server.Peer.ExpectEndAsync(5);
        await server.Peer.ExpectClosedAsync();
        await server.Peer.CompleteAsync();
        Assert.Equal(0, await drain.Guarded());
    }

    [Fact]
    public async Task Client_FailsWhatWasNotStarted_AndGoesOnWithTheRest()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session taken = await client.OpenAsync();
        Session later = await client.OpenAsync();
        Task opened = later.RemoteOpened;
        await client.Peer.SendAsync(Raw.GoAway(taken.Id, ErrorCode.ResourceExhaustion, "moving\nout"));
        var error = await Assert.ThrowsAsync<MainConnectionException>(() => opened.Guarded());
        Assert.Equal(MainConnectionEnd.GoingAway, error.Reason);
        Assert.Contains("moving out", error.Message, StringComparison.Ordinal);
        await later.Completion.Guarded();

        // Nothing is said about it: the server has not heard of it.
        await client.ExpectNothingAsync();
        await client.Peer.SendAsync(Raw.Opened(taken.Id), Raw.Keep(taken.Id, "x"));
        await taken.ExpectTextAsync("x");
        Assert.True(client.Worker.IsClosing);
        Assert.False(client.Worker.TryReserve());
        Assert.Equal(2, client.Worker.ActiveSessions);
    }

    [Fact]
    public async Task GoAway_ASecondTime_ChangesNothing()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session taken = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.GoAway(taken.Id), Raw.GoAway(1));
        await client.ExpectNothingAsync();
        Assert.Equal(2, client.Worker.ActiveSessions);
        Assert.Null(taken.EndCode);
    }

    [Fact]
    public async Task Client_DoesNotTakeASessionThatWasHeardOfForALaterOne()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session open = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.Opened(open.Id));
        await open.RemoteOpened.Guarded();

        // An id from before the ids came round: the neighbour (1) and this one (2) lie behind it.
        await client.Peer.SendAsync(Raw.Keep(1, "x"), Raw.GoAway(0));
        await client.Neighbour.ExpectTextAsync("x");
        await client.ExpectNothingAsync();
        Assert.Equal(2, client.Worker.ActiveSessions);
    }

    [Fact]
    public async Task Client_ClosesWhenTheLastHasEnded()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.GoAway(1));
        await client.ExpectNothingAsync();
        client.Neighbour.CompleteWrites();
        await client.Peer.ExpectEndAsync(1);
        await client.Peer.SendAsync(Raw.End(1));
        await client.Peer.ExpectClosedAsync();
        await client.Peer.CompleteAsync();
        await client.Worker.Completion.Guarded();

        // It closed first here, and because the server asked for it.
        Assert.Equal(MainConnectionEnd.ClosedByPeer, client.Worker.Failure!.Reason);
    }

    [Fact]
    public async Task Client_ThatClosesWhileSomethingIsOpen_ClosedByItself()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.GoAway(1));
        await client.ExpectNothingAsync();
        Task closing = client.Worker.DisposeAsync().AsTask();
        await client.Peer.ExpectClosedAsync();
        await client.Peer.CompleteAsync();
        await closing.Guarded();
        Assert.Equal(MainConnectionEnd.ClosedLocally, client.Worker.Failure!.Reason);
    }

    [Theory]
    [InlineData("0001 06 00")]
    [InlineData("0001 06 01 | 0000")]
    public async Task GoAway_WithoutACode_IsOne(string frame)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        string[] parts = frame.Split('|');
        byte[] metadata = Raw.Frame(parts[0]);
        await client.Peer.SendAsync([.. metadata, .. parts.Length > 1 ? Wired.Bytes(parts[1]) : []]);
        await client.ExpectNothingAsync();
        Assert.True(client.Worker.IsClosing);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task GoAway_BeforeThePrivateVersion_ClosesTheMainConnection(uint version)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        await client.Peer.SendAsync(Raw.GoAway(1));
        await client.ExpectClosedAsync(MainConnectionEnd.ProtocolError);
    }
}
