using Microsoft.Extensions.Time.Testing;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What happens because nothing happens (SPEC 6.3.4, 6.3.5).</summary>
public sealed class ClockTests
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task KeepAlive_IsSentAfter30SecondsWithoutSending()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(new MuxOptions { TimeProvider = _time });
        for (int round = 0; round < 3; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            ScriptFrame frame = await server.Peer.ExpectAsync(FrameType.KeepAlive, 0);
            Assert.Equal("000400000400", Convert.ToHexStringLower(frame.Bytes));
        }
    }

    [Fact]
    public async Task KeepAlive_IsNotSentBefore()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(new MuxOptions { TimeProvider = _time });
        for (int round = 0; round < 3; round++)
        {
            // The answer of the neighbour is something sent.
            _time.Advance(TimeSpan.FromSeconds(30) - Millisecond);
            await server.ExpectNothingAsync();
        }
    }

    [Fact]
    public async Task KeepAlive_OfTheClient_IsSentWithoutSubConnections()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(new MuxOptions { TimeProvider = _time });
        client.Neighbour.Abort(ErrorCode.RemoteDisconnect);
        await client.Peer.ExpectEndAsync(1, ErrorCode.RemoteDisconnect);
        _time.Advance(TimeSpan.FromSeconds(30));
        await client.Peer.ExpectAsync(FrameType.KeepAlive, 0);
    }

    [Fact]
    public async Task KeepAlive_TurnedOff_IsNotSent()
    {
        var options = new MuxOptions { TimeProvider = _time, KeepAliveInterval = Timeout.InfiniteTimeSpan };
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(options);
        _time.Advance(TimeSpan.FromHours(1));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Linger_30SecondsWithoutAByteAfterOurEnd_EndsTheSession()
    {
        await using ClientUnderTest client = await StartLingeringAsync();
        Session session = await OpenAndEndAsync(client);
        await client.Peer.SendAsync(Raw.Keep(2, "read"));
        await session.ExpectTextAsync("read");
        _time.Advance(TimeSpan.FromSeconds(30));
        await client.Peer.ExpectEndAsync(2, ErrorCode.OperationTimeout, isOpen: false);
        await session.ExpectErrorAsync(ErrorCode.OperationTimeout, remote: false);
        await session.Completion.Guarded();
        Assert.Equal(1, client.Worker.ActiveSessions);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Linger_DoesNotCountWhileTheApplicationHasSomethingToRead()
    {
        await using ClientUnderTest client = await StartLingeringAsync();
        Session session = await OpenAndEndAsync(client);
        await client.Peer.SendAsync(Raw.Keep(2, "unread"));
        await client.ExpectNothingAsync();
        _time.Advance(TimeSpan.FromSeconds(45));
        await client.ExpectNothingAsync();
        await session.ExpectTextAsync("unread");
        _time.Advance(TimeSpan.FromSeconds(30));
        await client.Peer.ExpectEndAsync(2, ErrorCode.OperationTimeout, isOpen: false);
    }

    [Fact]
    public async Task Linger_EachByteStartsTheTimeAnew()
    {
        await using ClientUnderTest client = await StartLingeringAsync();
        Session session = await OpenAndEndAsync(client);
        for (int round = 0; round < 4; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(30) - Millisecond);
            await client.Peer.SendAsync(Raw.Keep(2, "slow"));
            await session.ExpectTextAsync("slow");
            await client.ExpectNothingAsync();
        }

        await client.Peer.SendAsync(Raw.End(2));
        await session.ExpectEndOfStreamAsync();
        _time.Advance(TimeSpan.FromMinutes(5));
        await client.ExpectNothingAsync();
        Assert.Equal(ErrorCode.GracefulShutdown, session.EndCode);
    }

    [Fact]
    public async Task Linger_BeforeOurEnd_DoesNotCount()
    {
        await using ClientUnderTest client = await StartLingeringAsync();
        Session session = await client.OpenAsync();
        _time.Advance(TimeSpan.FromHours(1));
        await client.ExpectNothingAsync();
        session.CompleteWrites();
        await client.Peer.ExpectAsync(FrameType.CreditUpdate, 2);
        await client.Peer.ExpectEndAsync(2);
        _time.Advance(TimeSpan.FromSeconds(30) - Millisecond);
        await client.ExpectNothingAsync();
        await client.Peer.SendAsync(Raw.Keep(2, "x"));
        await session.ExpectTextAsync("x");
    }

    [Fact]
    public async Task Linger_AfterTheOtherEndsEnd_DoesNotCount()
    {
        await using ClientUnderTest client = await StartLingeringAsync();
        Session session = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.End(2));
        await session.ExpectEndOfStreamAsync();
        _time.Advance(TimeSpan.FromHours(1));
        await session.SendTextAsync("late answer");
        await client.Peer.ExpectKeepAsync(2, "late answer");
        session.CompleteWrites();
        await client.Peer.ExpectEndAsync(2);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Write_ThatTheOtherEndDoesNotTake_EndsTheMainConnection()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(new MuxOptions { TimeProvider = _time });
        Session session = await client.OpenAsync();
        await client.Peer.SendAsync(Raw.Credit(1, 1_000_000));
        await session.SendAsync(new byte[65536]);
        Task flood = client.Neighbour.SendAsync(new byte[1_000_000]);

        // 4 s without a byte taken; how much goes ahead of that is the transport's affair.
        await Guard.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return client.Worker.IsClosed;
            },
            () => "The main connection is still open.");
        await client.Worker.Completion.Guarded();
        Assert.Equal(MainConnectionEnd.Timeout, client.Worker.Failure!.Reason);
        await Assert.ThrowsAsync<MainConnectionException>(() => flood.Guarded());
        await Assert.ThrowsAsync<MainConnectionException>(() => session.ReadAsync());
        Assert.Equal(ErrorCode.OperationTimeout, session.EndCode);
    }

    private Task<ClientUnderTest> StartLingeringAsync()
        => ClientUnderTest.StartAsync(new MuxOptions { TimeProvider = _time, KeepAliveInterval = Timeout.InfiniteTimeSpan });

    private static async Task<Session> OpenAndEndAsync(ClientUnderTest client)
    {
        Session session = await client.OpenAsync();
        session.CompleteWrites();
        await client.Peer.ExpectAsync(FrameType.CreditUpdate, session.Id);
        await client.Peer.ExpectEndAsync(session.Id);
        return session;
    }
}
