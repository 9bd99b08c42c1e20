using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>What a pool does when dials fail, or do not come back.</summary>
public sealed class PoolBackOffTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);
    private static readonly ClientStrategy OneEach = new() { MaxConcurrency = 1, MaxConnection = 0 };

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task AfterAFailure_AllWaitForOneDial_AndGetItsError()
    {
        Dialler server = MakeServer();
        server.Error = new IOException("Refused.");
        await using var picker = server.Pool(OneEach);
        await FailsAsync(picker.PickAvailableAsync(Cancel));
        int dials = 1;
        for (int wait = 100; wait <= 12_800; wait *= 2)
        {
            Task<ClientWorker>[] picks = [.. Enumerable.Range(0, 5).Select(_ => picker.PickAvailableAsync(Cancel).AsTask())];
            double nominal = Math.Min(wait, 5_000);

            // The last wait may have begun a little before its dial was seen to fail.
            _time.Advance(TimeSpan.FromMilliseconds(nominal * 0.35));
            Assert.Equal(dials, server.Dials);
            Assert.DoesNotContain(picks, static pick => pick.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds((nominal * 0.85) + 1));
            foreach (Task<ClientWorker> pick in picks)
            {
                await FailsAsync(new ValueTask<ClientWorker>(pick));
            }

            Assert.Equal(++dials, server.Dials);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task AfterASuccess_DialsGoTogetherAgain()
    {
        Dialler server = MakeServer();
        server.Error = new IOException("Refused.");
        await using var picker = server.Pool(OneEach);
        await FailsAsync(picker.PickAvailableAsync(Cancel));
        server.Error = null;
        server.IsSlow = true;
        Task<ClientWorker>[] picks = [.. Enumerable.Range(0, 5).Select(_ => picker.PickAvailableAsync(Cancel).AsTask())];
        _time.Advance(TimeSpan.FromMilliseconds(120));
        await Until.TrueAsync(() => server.Waiting.Count == 1);
        server.ReleaseOne();
        await Until.TrueAsync(() => server.Waiting.Count == 4);
        Assert.Equal(6, server.Dials);
        server.ReleaseAll();
        await Task.WhenAll(picks);

        // And the next failure waits for 100 ms again.
        server.IsSlow = false;
        server.Error = new IOException("Refused.");
        await FailsAsync(picker.PickAvailableAsync(Cancel));
        server.Error = null;
        Task<ClientWorker> next = picker.PickAvailableAsync(Cancel).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(120));
        await next;
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WhoGivesUpDuringTheWait_LeavesNothing()
    {
        Dialler server = MakeServer();
        server.Error = new IOException("Refused.");
        await using var picker = server.Pool(OneEach);
        await FailsAsync(picker.PickAvailableAsync(Cancel));
        using var source = new CancellationTokenSource();
        Task<ClientWorker> pick = picker.PickAvailableAsync(source.Token).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pick);
        _time.Advance(TimeSpan.FromSeconds(10));
        server.Error = null;
        ClientWorker worker = await picker.PickAvailableAsync(Cancel);
        Assert.False(worker.TryReserve());
        worker.Release();
        Assert.True(worker.TryReserve());
        Assert.Equal(2, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task DisposeDuringTheWait_WaitersFail()
    {
        Dialler server = MakeServer();
        server.Error = new IOException("Refused.");
        var picker = server.Pool(OneEach);
        await FailsAsync(picker.PickAvailableAsync(Cancel));
        Task<ClientWorker> pick = picker.PickAvailableAsync(Cancel).AsTask();
        await picker.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pick);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task DialThatIsCancelledByItself_IsAFailureLikeAnyOther()
    {
        Dialler server = MakeServer();
        server.Error = new OperationCanceledException("The dial took too long.");
        await using var picker = server.Pool();
        MainConnectionException error = await FailsAsync(picker.PickAvailableAsync(Cancel));
        Assert.Contains("The dial took too long.", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task FactoryOfAnotherKind_ErrorsAreMainConnectionExceptions_ItsDeadWorkersAreFailures()
    {
        var factory = new BrokenFactory(_time) { Error = new InvalidOperationException("No key.") };
        await using var picker = new IncrementalWorkerPicker(factory);
        MainConnectionException error = await FailsAsync(picker.PickAvailableAsync(Cancel));
        Assert.Equal("No key.", Assert.IsType<InvalidOperationException>(error.InnerException).Message);
        factory.Error = null;
        Task<ClientWorker>[] picks = [.. Enumerable.Range(0, 20).Select(_ => picker.PickAvailableAsync(Cancel).AsTask())];
        _time.Advance(TimeSpan.FromMilliseconds(120));
        foreach (Task<ClientWorker> pick in picks)
        {
            Assert.Equal(MainConnectionEnd.ClosedLocally, (await FailsAsync(new ValueTask<ClientWorker>(pick))).Reason);
        }

        Assert.Equal(2, factory.Calls);
        Assert.Empty(picker.Workers);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task NegotiationNeverAnswered_WhoWaitedGetsAnotherWorker_TheStuckDialTimesOut()
    {
        Dialler server = MakeServer();
        server.IsMute = true;
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 8 });
        await using var client = new ClientManager(picker);
        Task<Session>[] opens = [.. Enumerable.Range(0, 3).Select(_ => client.OpenAsync(Target, Cancel).AsTask())];
        await server.MuteAsync(1);
        server.IsMute = false;
        await AdvanceAsync(4.9);
        Assert.DoesNotContain(opens, static open => open.IsCompleted);
        await AdvanceAsync(0.1);
        await AdvanceAsync(0.12);
        await Task.WhenAll(opens);
        Assert.Equal(2, server.Dials);
        await AdvanceAsync(5.5);

        // Its end concerns nobody, and no later dial.
        await Assert.ThrowsAnyAsync<IOException>(() => server.Mute[0].Input.CopyToAsync(Stream.Null, Cancel));
        Task<Session>[] more = [.. Enumerable.Range(0, 9).Select(_ => client.OpenAsync(Target, Cancel).AsTask())];
        await Task.WhenAll(more);
        Assert.Equal(3, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ServerThatNeverAnswersAnybody_EverybodyGetsTheError()
    {
        Dialler server = MakeServer();
        server.IsMute = true;
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 8 });
        Task<ClientWorker>[] picks = [.. Enumerable.Range(0, 200).Select(_ => picker.PickAvailableAsync(Cancel).AsTask())];
        await server.MuteAsync(25);

        // All are late after 5 s, and one at a time is tried in their place.
        await AdvanceAsync(5);
        await AdvanceAsync(0.12);
        await server.MuteAsync(26);
        Assert.DoesNotContain(picks, static pick => pick.IsCompleted);

        // At 10 s the first are given up, and with them who has waited as long; the rest with the one that was tried.
        await AdvanceAsync(5.4);
        await Until.TrueAsync(() => picks.Count(static pick => pick.IsCompleted) >= 193);
        await AdvanceAsync(5.5);
        foreach (Task<ClientWorker> pick in picks)
        {
            Assert.Equal(MainConnectionEnd.NegotiationFailed, (await FailsAsync(new ValueTask<ClientWorker>(pick))).Reason);
        }

        Assert.InRange(server.Dials, 26, 28);
    }

    /// <summary>Not in the test's own context: what time sets going has run when this is done.</summary>
    private Task AdvanceAsync(double seconds) => Task.Run(() => _time.Advance(TimeSpan.FromSeconds(seconds)), Cancel);

    private static Task<MainConnectionException> FailsAsync(ValueTask<ClientWorker> pick)
        => Assert.ThrowsAsync<MainConnectionException>(() => pick.AsTask());

    private Dialler MakeServer() => new(new MuxOptions { TimeProvider = _time });

    private sealed class BrokenFactory(TimeProvider time) : IClientWorkerFactory
    {
        public Exception? Error { get; set; }

        public int Calls { get; private set; }

        public int Capacity => 100;

        public TimeProvider TimeProvider => time;

        public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
        {
            Calls++;
            if (Error is not null)
            {
                throw Error;
            }

            (Link near, Link far) = Link.CreatePair();
            await using var server = new ServerWorker(far, new Echo());
            ClientWorker worker = await ClientWorker.StartAsync(near, cancellationToken: cancellationToken);
            await worker.DisposeAsync();
            return worker;
        }
    }
}
