using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Workers that nobody needs: a burst leaves one spare behind.</summary>
public sealed class PoolIdleTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void MaxIdle_IsAMinute_AndMayBeNone()
    {
        Assert.Equal(TimeSpan.FromMinutes(1), new ClientStrategy().MaxIdle);
        Assert.Equal(Timeout.InfiniteTimeSpan, new ClientStrategy { MaxIdle = Timeout.InfiniteTimeSpan }.MaxIdle);
        Assert.Throws<ArgumentOutOfRangeException>("MaxIdle", static () => new ClientStrategy { MaxIdle = TimeSpan.Zero });
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Burst_LeavesOneSpareBehind(bool isLeastLoaded)
    {
        DialingWorkerFactory factory = MakeServer().Factory(new ClientStrategy { MaxConcurrency = 2 });
        await using WorkerPool pool = isLeastLoaded ? new LeastLoadedWorkerPicker(factory) : new IncrementalWorkerPicker(factory);
        await using var client = new ClientManager(pool);
        await BurstAsync(client, 40);
        ClientWorker[] workers = [.. pool.Workers];
        Assert.True(workers.Length >= 20);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.All(workers, static worker => Assert.False(worker.IsClosing));
        _time.Advance(TimeSpan.FromSeconds(1));
        await Until.TrueAsync(() => pool.Workers.Count == 1);
        ClientWorker spare = Assert.Single(workers, static worker => !worker.IsClosing);
        Assert.All(workers.Where(worker => worker != spare), static worker => Assert.True(worker.IsClosing));

        // The spare stays, and serves what comes next.
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(spare.IsClosing);
        Session next = await client.OpenAsync(Target, Cancel);
        await next.SendTextAsync("hello");
        await next.ExpectTextAsync("hello");
        Assert.Equal(1, spare.ActiveSessions);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Worker_ThatIsUsedNowAndThen_IsNotIdle()
    {
        await using IncrementalWorkerPicker pool = MakeServer().Pool(new ClientStrategy { MaxConcurrency = 1 });
        await using var client = new ClientManager(pool);
        Session busy = await client.OpenAsync(Target, Cancel);
        Session second = await client.OpenAsync(Target, Cancel);
        Session third = await client.OpenAsync(Target, Cancel);
        ClientWorker[] workers = [.. pool.Workers];
        await EndAsync(second);
        await EndAsync(third);
        for (int round = 0; round < 5; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(40));
            Session a = await client.OpenAsync(Target, Cancel);
            Session b = await client.OpenAsync(Target, Cancel);
            await EndAsync(a);
            await EndAsync(b);
        }

        Assert.All(workers, static worker => Assert.False(worker.IsClosing));
        Assert.Equal(3, pool.Workers.Count);

        // One idles beside the busy one, and one too many.
        _time.Advance(TimeSpan.FromMinutes(1));
        await workers[2].Completion.WaitAsync(Cancel);
        Assert.Equal([false, false, true], workers.Select(static worker => worker.IsClosing));
        await busy.SendTextAsync("hello");
        await busy.ExpectTextAsync("hello");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Worker_WhosePlaceIsReserved_IsNotIdle()
    {
        await using IncrementalWorkerPicker pool = MakeServer().Pool(new ClientStrategy { MaxConcurrency = 1 });
        ClientWorker first = await pool.PickAvailableAsync(Cancel);
        ClientWorker second = await pool.PickAvailableAsync(Cancel);
        first.Release();
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.False(second.IsClosing);
        Session session = second.Open(Target);
        await session.SendTextAsync("hello");
        await session.ExpectTextAsync("hello");
        await EndAsync(session);
        Assert.False(first.IsClosing);
        _time.Advance(TimeSpan.FromMinutes(1));
        await second.Completion.WaitAsync(Cancel);
        Assert.Same(first, Assert.Single(pool.Workers));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Infinite_KeepsAll()
    {
        await using IncrementalWorkerPicker pool = MakeServer().Pool(
            new ClientStrategy { MaxConcurrency = 1, MaxIdle = Timeout.InfiniteTimeSpan });
        await using var client = new ClientManager(pool);
        await BurstAsync(client, 5);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(5, pool.Workers.Count);
    }

    private static async Task BurstAsync(ClientManager client, int count)
    {
        Session[] sessions = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => client.OpenAsync(Target, Cancel).AsTask()));
        foreach (Session session in sessions)
        {
            await EndAsync(session);
        }
    }

    private static async Task EndAsync(Session session)
    {
        session.CompleteWrites();
        await session.ExpectEndOfStreamAsync();
        await session.Completion.Guarded();
    }

    // A clock that jumps is no reason to ask whether the other end is alive.
    private Dialler MakeServer() => new(new MuxOptions
    {
        TimeProvider = _time,
        KeepAliveInterval = Timeout.InfiniteTimeSpan,
        PingInterval = Timeout.InfiniteTimeSpan,
    });
}
