using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What the other end may make a server do: ten seconds' worth at once, then so much per second.</summary>
public sealed class BudgetTests
{
    private const int Burst = 10;

    private readonly FakeTimeProvider _time = new();

    public static TheoryData<string, string> ControlFrames => new()
    {
        { "KeepAlive", "0004 0000 04 00" },
        { "CreditUpdate", "0004 2328 05 01 0004 00000001" },
        { "CreditUpdate of an unknown id", "0004 0005 05 01 0004 00000001" },
        { "empty Keep", "0004 2328 02 01 0000" },
        { "Keep without D", "0004 2328 02 00" },
        { "End of an unknown id", "0004 0005 03 00" },
        { "End with a code of an unknown id", "0006 0005 03 01 0003 0000" },
    };

    [Theory]
    [MemberData(nameof(ControlFrames))]
    public async Task ControlFrames_MoreThanTheBudget_EndTheMainConnection(string what, string bytes)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(Options with { ControlFramesPerSecond = 1 });
        await server.Peer.SendAsync([.. Enumerable.Repeat(Wired.Bytes(bytes), Burst)]);
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        MainConnectionException failure = await server.ExpectClosedAsync(MainConnectionEnd.BudgetSpent);
        Assert.True(
            failure.Message.Contains(nameof(MuxOptions.ControlFramesPerSecond), StringComparison.Ordinal), $"{what}: {failure.Message}");
    }

    [Fact]
    public async Task ControlFrames_AtTheRate_GoOnForEver()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(Options with { ControlFramesPerSecond = 3 });
        await server.Peer.SendAsync([.. Enumerable.Repeat(Raw.KeepAlive(), 3 * Burst)]);
        for (int second = 0; second < 5; second++)
        {
            await server.ExpectNothingAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
            await server.Peer.SendAsync(Raw.KeepAlive(), Raw.KeepAlive(), Raw.KeepAlive());
        }

        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.KeepAlive());
        await server.ExpectClosedAsync(MainConnectionEnd.BudgetSpent);
    }

    [Fact]
    public async Task Keep_OfManyUnknownIds_EndsTheMainConnection()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(Options with { ControlFramesPerSecond = 1 });
        for (int id = 1; id <= Burst; id++)
        {
            await server.Peer.SendAsync(Raw.Keep(id, "x"));
            await server.Peer.ExpectEndAsync(id, ErrorCode.ProtocolError, isOpen: false);
        }

        await server.Peer.SendAsync(Raw.Keep(77, "x"));
        await server.ExpectClosedAsync(MainConnectionEnd.BudgetSpent);
    }

    [Fact]
    public async Task Opens_MoreThanTheBudget_EndTheMainConnection()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(Options with { OpensPerSecond = 1 });

        // The neighbour was the first.
        for (int id = 1; id < Burst; id++)
        {
            await server.AcceptNewAsync(id);
        }

        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.New(Burst, "target:80", payload: (byte[]?)null));
        MainConnectionException failure = await server.ExpectClosedAsync(MainConnectionEnd.BudgetSpent);
        Assert.Contains(nameof(MuxOptions.OpensPerSecond), failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Resets
        => ["End with a code", "duplicate New", "over credit", "increment 0", "bad address", "Keep after the own End"];

    [Theory]
    [MemberData(nameof(Resets))]
    public async Task Resets_MoreThanTheBudget_EndTheMainConnection(string how)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(Options with { ResetsPerSecond = 1 });
        for (int id = 1; id <= Burst + 1; id++)
        {
            if (how != "bad address")
            {
                await server.AcceptNewAsync(id);
            }

            if (how == "over credit")
            {
                await server.Peer.SendAsync(Raw.Keep(id, new byte[65535]));
            }

            await server.Peer.SendAsync(how switch
            {
                "End with a code" => Raw.End(id, ErrorCode.RemoteDisconnect),
                "duplicate New" => Raw.New(id, "target:80", "x"),
                "over credit" => Raw.Keep(id, new byte[2]),
                "increment 0" => Raw.Credit(id, 0),
                "bad address" => Raw.Frame($"{id:x4} 01 00 01 00 0050 07"),
                _ => [.. Raw.End(id), .. Raw.Keep(id, "x")],
            });
            if (id <= Burst)
            {
                ErrorCode code = how == "End with a code" ? ErrorCode.GracefulShutdown : ErrorCode.ProtocolError;
                await server.Peer.ExpectEndAsync(id, code, isOpen: how != "Keep after the own End");
            }
        }

        // The last session's own End may be sent before the main connection is closed.
        MainConnectionException failure = await server.ExpectClosedAsync(MainConnectionEnd.BudgetSpent, mayEnd: Burst + 1);
        Assert.Contains(nameof(MuxOptions.ResetsPerSecond), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OrderlyUse_SpendsNoBudgetButThatOfOpens()
    {
        MuxOptions options = Options with { ControlFramesPerSecond = 1, ResetsPerSecond = 1, OpensPerSecond = 1000 };
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(options);
        for (int id = 1; id <= 100; id++)
        {
            await server.Peer.SendAsync(Raw.New(id, "echo:7", "abc"), Raw.Keep(id, "def"));
            await server.Peer.ReceivePayloadAsync(id, 6);
            await server.Peer.SendAsync(Raw.End(id));
            await server.Peer.ExpectEndAsync(id);
        }

        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task MaxSessions_OneMore_RepliesEnd0004()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(Options with { MaxSessions = 3 });
        await server.AcceptNewAsync(1);
        Session second = await server.AcceptNewAsync(2);
        await server.Peer.SendAsync(Raw.New(3, "target:80", "dropped"), Raw.Keep(3, "dropped too"));
        await server.Peer.ExpectEndAsync(3, ErrorCode.ResourceExhaustion);
        await server.ExpectNothingAsync();

        // One ends, and there is room again.
        second.CompleteWrites();
        await server.Peer.ExpectEndAsync(2);
        await server.Peer.SendAsync(Raw.End(2), Raw.End(3));
        await server.AcceptNewAsync(3);
    }

    [Fact]
    public async Task MaxPendingDispatches_OneMore_RepliesEnd0004()
    {
        var dial = new TaskCompletionSource<Link>();
        var started = new TaskCompletionSource();
        FakeDispatcher dispatcher = new FakeDispatcher().On("slow", _ =>
        {
            started.SetResult();
            return new ValueTask<Link>(dial.Task);
        });
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(Options with { MaxPendingDispatches = 1 }, dispatcher);
        await server.Peer.SendAsync(Raw.New(1, "slow:80", "x"));
        await started.Task.Guarded();
        await server.Peer.SendAsync(Raw.New(2, "target:80", "dropped"), Raw.Keep(2, "dropped too"));
        await server.Peer.ExpectEndAsync(2, ErrorCode.ResourceExhaustion);
        await server.ExpectNothingAsync();

        // The dial is done, and there is room again.
        (Link near, Link far) = Link.CreatePair();
        dial.SetResult(near);
        await far.ExpectTextAsync("x");
        await server.OpenAsync(3, "y");
    }

    [Fact]
    public async Task MaxBuffered_Unread_RepliesEnd0004ToWhoSendsMore()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(Options with { MaxBuffered = 1024 * 1024 });
        Session first = await server.AcceptNewAsync(1);
        for (int id = 2; id <= 17; id++)
        {
            await server.AcceptNewAsync(id);
            await server.Peer.SendAsync(Raw.Keep(id, new byte[65535]), Raw.Keep(id, new byte[1]));
        }

        // All that was promised is buffered, and nothing more.
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Keep(1, "x"), Raw.Keep(1, "y"));
        await server.Peer.ExpectEndAsync(1, ErrorCode.ResourceExhaustion);
        await first.ExpectErrorAsync(ErrorCode.ResourceExhaustion, remote: false);
        await server.ExpectNothingAsync();
    }

    private MuxOptions Options => new() { TimeProvider = _time, KeepAliveInterval = Timeout.InfiniteTimeSpan };
}
