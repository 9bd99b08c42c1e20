using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

public sealed class FailoverWorkerFactoryTests
{
    private static readonly IOException Refused = new("Refused.");

    private readonly FakeTimeProvider _time = new();
    private readonly Dialler _first;
    private readonly Dialler _second;
    private readonly FailoverWorkerFactory _factory;

    public FailoverWorkerFactoryTests()
    {
        var options = new MuxOptions { TimeProvider = _time };
        _first = new Dialler(options);
        _second = new Dialler(options);
        _factory = new FailoverWorkerFactory(("paris", _first.Factory()), ("oslo", _second.Factory()));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task TheFirstThatWorks()
    {
        await DialAsync(1, 0);
        await DialAsync(2, 0);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WhoFailed_ComesAfterTheOthers_UntilItsWaitIsOver()
    {
        _first.Error = Refused;
        await DialAsync(1, 1);
        await DialAsync(1, 2);
        _time.Advance(TimeSpan.FromSeconds(0.79));
        await DialAsync(1, 3);
        _time.Advance(TimeSpan.FromSeconds(0.42));
        await DialAsync(2, 4);

        // Twice as long now; and as the last one it is better than none.
        _time.Advance(TimeSpan.FromSeconds(1.59));
        await DialAsync(2, 5);
        _first.Error = null;
        _second.Error = Refused;
        await DialAsync(3, 6);
        await DialAsync(4, 6);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task AllFail_TheMessageNamesEachAndWhy()
    {
        _first.Error = Refused;
        _second.Error = new IOException("No route.");
        MainConnectionException error = await Assert.ThrowsAsync<MainConnectionException>(() => _factory.CreateAsync(Cancel).AsTask());
        Assert.Equal(MainConnectionEnd.DialFailed, error.Reason);
        Assert.Equal(
            "No server was reached. paris: Dialling a main connection failed: Refused. oslo: Dialling a main connection failed: No route.",
            error.Message);
        Assert.Equal(2, Assert.IsType<AggregateException>(error.InnerException).InnerExceptions.Count);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WhoDoesNotAnswer_GetsCompanyAfter2Seconds()
    {
        _first.IsSlow = true;
        Task<ClientWorker> dial = _factory.CreateAsync(Cancel).AsTask();
        await Until.TrueAsync(() => _first.Waiting.Count == 1);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(dial.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await using ClientWorker worker = await dial;
        Assert.Equal(1, _second.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WhoWentSilent_IsNotThePlaceForTheNext()
    {
        (Link near, Link far) = Link.CreatePair();
        await using var silent = new FrameScript(far);
        int dials = 0;
        var options = new MuxOptions { TimeProvider = _time };
        var paris = new DialingWorkerFactory(_ => ++dials == 1 ? ValueTask.FromResult(near) : throw Refused, options: options);
        var factory = new FailoverWorkerFactory(("paris", paris), ("oslo", _second.Factory()));
        Task<ClientWorker> dial = factory.CreateAsync(Cancel).AsTask();
        await silent.ReceiveAsync();
        await silent.SendAsync(Raw.Negotiate(Raw.Private));
        await using ClientWorker worker = await dial;
        await Until.DoneAsync(worker.Completion, _time);
        Assert.Equal(MainConnectionEnd.Timeout, worker.Failure!.Reason);
        await using ClientWorker next = await factory.CreateAsync(Cancel);
        Assert.Equal((1, 1), (dials, _second.Dials));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task NobodyAnswers_TheMessageSaysSo()
    {
        _first.IsSlow = true;
        var factory = new FailoverWorkerFactory(("paris", _first.Factory())) { AttemptTimeout = TimeSpan.FromSeconds(2) };
        Task<ClientWorker> dial = factory.CreateAsync(Cancel).AsTask();
        await Until.TrueAsync(() => _first.Waiting.Count == 1);
        _time.Advance(TimeSpan.FromSeconds(2));
        MainConnectionException error = await Assert.ThrowsAsync<MainConnectionException>(() => dial);
        Assert.Equal("No server was reached. paris: It did not answer within 2 s.", error.Message);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Cancelled_NoOtherIsTried_NobodyIsBlamed()
    {
        _first.IsSlow = true;
        using var source = new CancellationTokenSource();
        Task<ClientWorker> dial = _factory.CreateAsync(source.Token).AsTask();
        await Until.TrueAsync(() => _first.Waiting.Count == 1);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);
        _first.IsSlow = false;
        await DialAsync(2, 0);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task UnderAPool_TheSecondServerCarriesOn()
    {
        await using var client = new ClientManager(new IncrementalWorkerPicker(_factory));
        Session session = await client.OpenAsync(Destination.Tcp("target.example", 80), Cancel);
        _first.Error = Refused;
        _first.Links[0].Abort();
        await session.Completion.WaitAsync(Cancel);
        await using Session next = await client.OpenAsync(Destination.Tcp("target.example", 80), Cancel);
        Assert.Equal((2, 1), (_first.Dials, _second.Dials));
    }

    [Fact]
    public void Servers_AreChecked()
    {
        Assert.Throws<ArgumentException>("servers", static () => new FailoverWorkerFactory());
        Assert.Throws<ArgumentException>("servers", () => new FailoverWorkerFactory(("", _first.Factory())));
        Assert.Throws<ArgumentException>("servers", static () => new FailoverWorkerFactory(("paris", null!)));
        Assert.Throws<ArgumentOutOfRangeException>(
            "AttemptTimeout", () => new FailoverWorkerFactory(("paris", _first.Factory())) { AttemptTimeout = TimeSpan.Zero });
        Assert.Equal((8, _time), (_factory.Capacity, _factory.TimeProvider));
    }

    private async Task DialAsync(int first, int second)
    {
        await using ClientWorker worker = await _factory.CreateAsync(Cancel);
        Assert.Equal((first, second), (_first.Dials, _second.Dials));
    }
}
