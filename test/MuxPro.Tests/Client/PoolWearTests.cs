using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Workers that are worn out by age or bytes: they finish what they carry, and close.</summary>
public sealed class PoolWearTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxAge_IdleWorkerCloses()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxAge = TimeSpan.FromMinutes(1) });
        await using var client = new ClientManager(picker);
        (await client.OpenAsync(Target, Cancel)).Abort();
        ClientWorker worker = Assert.Single(picker.Workers);
        _time.Advance(TimeSpan.FromSeconds(53.9));
        Assert.False(worker.IsClosing);
        _time.Advance(TimeSpan.FromSeconds(6.1));
        await worker.Completion.WaitAsync(Cancel);
        Assert.Equal(MainConnectionEnd.ClosedLocally, worker.Failure?.Reason);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxAge_OpenSessionsFinish_NewOnesGoElsewhere()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxAge = TimeSpan.FromMinutes(1) });
        await using var client = new ClientManager(picker);
        Session old = await client.OpenAsync(Target, Cancel);
        ClientWorker worker = Assert.Single(picker.Workers);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(worker is { IsClosing: true, IsFull: true, IsClosed: false });
        Session next = await client.OpenAsync(Target, Cancel);
        Assert.NotSame(old.Context, next.Context);
        await EchoAsync(old);
        await worker.Completion.WaitAsync(Cancel);
        await EchoAsync(next);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxAge_ReservedPlaceMayStillBeUsed()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxAge = TimeSpan.FromMinutes(1) });
        ClientWorker worker = await picker.PickAvailableAsync(Cancel);
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.False(worker.TryReserve());
        Assert.NotSame(worker, await picker.PickAvailableAsync(Cancel));
        await EchoAsync(worker.Open(Target));
        await worker.Completion.WaitAsync(Cancel);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxAge_WorkersMadeTogether_DoNotGoTogether()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 1, MaxAge = TimeSpan.FromSeconds(100) });
        await using var client = new ClientManager(picker);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => client.OpenAsync(Target, Cancel).AsTask()));
        Assert.Equal(40, picker.Workers.Count);
        _time.Advance(TimeSpan.FromSeconds(95));
        Assert.InRange(picker.Workers.Count(static worker => worker.IsClosing), 1, 39);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.All(picker.Workers, static worker => Assert.True(worker.IsClosing));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxBytes_WorkerFinishes_AndCloses()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxBytes = 1_000_000 });
        await using var client = new ClientManager(picker);
        Session session = await client.OpenAsync(Target, Cancel);
        Session neighbour = await client.OpenAsync(Target, Cancel);
        Assert.Same(session.Context, neighbour.Context);
        ClientWorker worker = Assert.Single(picker.Workers);
        await EchoAsync(session, 400_000);
        Assert.False(worker.IsClosing);
        await EchoAsync(await client.OpenAsync(Target, Cancel), 100_000);
        await Until.TrueAsync(() => worker.IsClosing);
        Session next = await client.OpenAsync(Target, Cancel);
        Assert.NotSame(session.Context, next.Context);
        Assert.False(worker.IsClosed);
        await EchoAsync(neighbour, 200_000);
        await worker.Completion.WaitAsync(Cancel);
        Assert.Equal(2, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxBytes_LastSessionEnds_NobodyElseComes_Closes()
    {
        Dialler server = MakeServer();
        await using var picker = server.Pool(new ClientStrategy { MaxBytes = 1_000_000 });
        await using var client = new ClientManager(picker);
        Session session = await client.OpenAsync(Target, Cancel);
        ClientWorker worker = Assert.Single(picker.Workers);
        await EchoAsync(session, 600_000);
        await worker.Completion.WaitAsync(Cancel);
    }

    [Fact]
    public void Limits_AreChecked()
    {
        Assert.Throws<ArgumentOutOfRangeException>("MaxAge", static () => new ClientStrategy { MaxAge = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>("MaxBytes", static () => new ClientStrategy { MaxBytes = -1 });
        Assert.Throws<ArgumentOutOfRangeException>("DatagramConcurrency", static () => new ClientStrategy { DatagramConcurrency = 65_536 });
        Assert.Throws<ArgumentOutOfRangeException>("DatagramConcurrency", static () => new ClientStrategy { DatagramConcurrency = -1 });
        Assert.Equal(Timeout.InfiniteTimeSpan, new ClientStrategy { MaxAge = Timeout.InfiniteTimeSpan }.MaxAge);
    }

    private static async Task EchoAsync(Session session, long bytes = 100)
    {
        var payload = new Payload(1);
        Task sending = SendAsync();
        Assert.Equal(bytes, await payload.ReceiveToEndAsync(session.Input, cancellationToken: Cancel));
        await sending;
        await session.DisposeAsync();

        async Task SendAsync()
        {
            await payload.SendAsync(session.Output, 0, bytes, cancellationToken: Cancel);
            session.CompleteWrites();
        }
    }

    private Dialler MakeServer() => new(new MuxOptions { TimeProvider = _time });
}
