using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>The pool of main connections (design 4.10), with real workers and servers in memory.</summary>
public sealed class PoolTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(200)]
    public async Task ParallelOpens_SlowDial_ConcurrencyIsNeverExceeded(int concurrency)
    {
        var server = new Dialler { IsSlow = true };
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = concurrency, MaxConnection = 0 });
        var client = new ClientManager(picker);
        Task<Session>[] opens = [.. Enumerable.Range(0, 200).Select(
            _ => Task.Run(() => client.OpenAsync(Target, Cancel).AsTask(), Cancel))];
        int dials = (200 + concurrency - 1) / concurrency;
        await Until.TrueAsync(() => server.Waiting.Count == dials);
        Assert.DoesNotContain(opens, static open => open.IsCompleted);
        server.ReleaseAll();
        Session[] sessions = await Task.WhenAll(opens);
        Assert.Equal(dials, server.Dials);
        Assert.All(picker.Workers, worker => Assert.InRange(worker.ActiveSessions, 1, concurrency));
        Assert.Equal(200, picker.Workers.Sum(worker => worker.ActiveSessions));
        Assert.Equal(200, sessions.Select(session => (session.Context, session.Id)).Distinct().Count());
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ManyOpensAndCloses_ConcurrencyHolds_PlacesComeBack()
    {
        var server = new Dialler();
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 4, MaxConnection = 0 });
        var client = new ClientManager(picker);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(RunAsync, Cancel)));
        Assert.InRange(server.Dials, 1, 16);
        Assert.All(picker.Workers, static worker => Assert.Equal(0, worker.ActiveSessions));

        async Task RunAsync()
        {
            for (int i = 0; i < 50; i++)
            {
                Session session = await client.OpenAsync(Target, Cancel);
                Assert.All(picker.Workers, static worker => Assert.InRange(worker.ActiveSessions, 0, 4));
                session.Abort(ErrorCode.RemoteDisconnect);
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MaxConnection_WorkerRetires_FinishesItsSessions_ThenCloses()
    {
        var server = new Dialler();
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 8, MaxConnection = 3 });
        var client = new ClientManager(picker);
        Session[] first =
            [await client.OpenAsync(Target, Cancel), await client.OpenAsync(Target, Cancel), await client.OpenAsync(Target, Cancel)];
        ClientWorker worker = Assert.Single(picker.Workers);
        Assert.True(worker is { IsClosing: true, IsFull: true, IsClosed: false, TotalSessions: 3 });
        Session next = await client.OpenAsync(Target, Cancel);
        Assert.NotSame(first[0].Context, next.Context);
        Assert.Equal(2, server.Dials);
        var payload = new Payload(1);
        foreach (Session session in first)
        {
            await payload.SendAsync(session.Output, 0, 100_000, cancellationToken: Cancel);
            session.CompleteWrites();
            Assert.Equal(100_000, await payload.ReceiveToEndAsync(session.Input, cancellationToken: Cancel));
        }

        await worker.Completion.WaitAsync(Cancel);
        Assert.Equal(MainConnectionEnd.ClosedLocally, worker.Failure?.Reason);
        Assert.DoesNotContain(worker, picker.Workers);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task DialFails_ItsWaitersFail_TheNextOpenDialsAgain()
    {
        var server = new Dialler { IsSlow = true };
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 2, MaxConnection = 0 });
        var client = new ClientManager(picker);
        Task<Session>[] opens = [.. Enumerable.Range(0, 4).Select(_ => client.OpenAsync(Target, Cancel).AsTask())];
        await Until.TrueAsync(() => server.Waiting.Count == 2);
        server.FailOne(new IOException("Refused."));
        await Until.TrueAsync(() => opens.Count(static open => open.IsFaulted) == 2);
        server.ReleaseAll();
        await Task.WhenAll(opens.Where(static open => !open.IsFaulted));
        foreach (Task<Session> open in opens.Where(static open => open.IsFaulted))
        {
            MainConnectionException error = await Assert.ThrowsAsync<MainConnectionException>(() => open);
            Assert.Equal("Refused.", Assert.IsType<IOException>(error.InnerException).Message);
        }

        server.IsSlow = false;
        await client.OpenAsync(Target, Cancel);
        Assert.Equal(3, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WaiterIsCancelled_OthersGetTheWorker_NoPlaceIsLost()
    {
        var server = new Dialler { IsSlow = true };
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 2, MaxConnection = 0 });
        var client = new ClientManager(picker);
        using var source = new CancellationTokenSource();
        Task<Session> cancelled = client.OpenAsync(Target, source.Token).AsTask();
        Task<Session> kept = client.OpenAsync(Target, Cancel).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await Until.TrueAsync(() => server.Waiting.Count == 1);
        server.ReleaseAll();
        await kept;
        await client.OpenAsync(Target, Cancel);
        Assert.Equal((1, 2), (server.Dials, Assert.Single(picker.Workers).ActiveSessions));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task CancelledAtTheSameMoment_NoPlaceIsLost()
    {
        for (int i = 0; i < 100; i++)
        {
            var server = new Dialler { IsSlow = true };
            await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 1, MaxConnection = 0 });
            using var source = new CancellationTokenSource();
            Task<ClientWorker> pick = picker.PickAvailableAsync(source.Token).AsTask();
            await Until.TrueAsync(() => server.Waiting.Count == 1);
            Task cancelling = Task.Run(source.Cancel, Cancel);
            server.ReleaseAll();
            await cancelling;
            try
            {
                (await pick).Release();
            }
            catch (OperationCanceledException)
            {
                // The other one was faster.
            }

            await Until.TrueAsync(() => picker.Workers is [{ IsFull: false }]);
            (await picker.PickAvailableAsync(Cancel)).Release();
            Assert.Equal(1, server.Dials);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WorkerDies_IsReplaced()
    {
        var server = new Dialler();
        await using var picker = server.Pool(new ClientStrategy());
        var client = new ClientManager(picker);
        for (int i = 1; i <= 5; i++)
        {
            Session session = await client.OpenAsync(Target, Cancel);
            Assert.Equal(i, server.Dials);
            server.Links[^1].Abort();
            await session.Completion.WaitAsync(Cancel);
        }

        await Until.TrueAsync(() => picker.Workers.Count == 0);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task DisposeWhileDialling_WaitersFail_DialIsCancelled()
    {
        var server = new Dialler { IsSlow = true };
        await using var picker = server.Pool(new ClientStrategy());
        var client = new ClientManager(picker);
        Task<Session> open = client.OpenAsync(Target, Cancel).AsTask();
        await Until.TrueAsync(() => server.Waiting.Count == 1);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => open);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.OpenAsync(Target, Cancel).AsTask());
        Assert.Equal(1, server.Dials);
        Assert.Empty(picker.Workers);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ServerThatNeverAnswers_BlocksNobodyElse()
    {
        var server = new Dialler();
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 1, MaxConnection = 0 });
        var client = new ClientManager(picker);
        Session first = await client.OpenAsync(Target, Cancel);
        server.IsMute = true;
        Task<Session> stuck = client.OpenAsync(Target, Cancel).AsTask();
        await Until.TrueAsync(() => server.Dials == 2);
        Assert.False(stuck.IsCompleted);

        // A place that comes free goes to the one who waits, whatever its dial does.
        first.Abort(ErrorCode.RemoteDisconnect);
        Session second = await stuck.WaitAsync(Cancel);
        Assert.Same(first.Context, second.Context);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task IncrementalFillsTheFirst_LeastLoadedSpreads()
    {
        Assert.Equal("4 1", await OpenAfterOneEndedAsync(static factory => new IncrementalWorkerPicker(factory)));
        Assert.Equal("3 2", await OpenAfterOneEndedAsync(static factory => new LeastLoadedWorkerPicker(factory)));

        // Two workers with 3 and 1 of 4; one more is opened, then the loads are read.
        static async Task<string> OpenAfterOneEndedAsync(Func<IClientWorkerFactory, WorkerPool> make)
        {
            await using WorkerPool picker = make(new Dialler().Factory(new ClientStrategy { MaxConcurrency = 4 }));
            var client = new ClientManager(picker);
            Session[] sessions = [.. await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => client.OpenAsync(Target, Cancel).AsTask()))];
            sessions[0].Abort();
            await Until.TrueAsync(() => picker.Workers.Sum(static worker => worker.ActiveSessions) == 4);
            ClientWorker[] workers = [.. picker.Workers.OrderByDescending(static worker => worker.ActiveSessions)];
            await client.OpenAsync(Target, Cancel);
            return string.Join(' ', workers.Select(static worker => worker.ActiveSessions));
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task LeastLoaded_CountsPlacesThatAreReserved_TheOlderOfTwo()
    {
        await using var picker = new LeastLoadedWorkerPicker(new Dialler().Factory(new ClientStrategy { MaxConcurrency = 2 }));
        ClientWorker[] picked = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => picker.PickAvailableAsync(Cancel).AsTask()))];
        ClientWorker older = picker.Workers[0];
        ClientWorker newer = picker.Workers[1];
        Array.ForEach(picked, static worker => worker.Release());
        Assert.Same(older, await picker.PickAvailableAsync(Cancel));
        Assert.Same(newer, await picker.PickAvailableAsync(Cancel));
        Assert.Same(older, await picker.PickAvailableAsync(Cancel));
        Assert.Same(newer, await picker.PickAvailableAsync(Cancel));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task OnlyWorkerDies_ThoseWhoWaitMoveOn()
    {
        var server = new Dialler();
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 1, MaxConnection = 0 });
        var client = new ClientManager(picker);
        Session session = await client.OpenAsync(Target, Cancel);
        server.IsSlow = true;
        Task<Session>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => client.OpenAsync(Target, Cancel).AsTask())];
        await Until.TrueAsync(() => server.Waiting.Count == 3);
        server.Links[0].Abort();
        await session.Completion.WaitAsync(Cancel);
        await Until.TrueAsync(() => picker.Workers.Count == 0);
        server.ReleaseAll();
        await Task.WhenAll(waiting);
        Assert.Equal(4, server.Dials);
    }
}
