using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;
using static MuxPro.Tests.Support.Outsiders;

namespace MuxPro.Tests.Engine;

/// <summary>
/// What is not ours throws: streams, loggers, listeners of metrics, clocks, callbacks, dispatchers, pools. Every wait completes all the
/// same.
/// </summary>
public sealed class OutsiderTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_ThatCannotBeClosed_EndsWithAllThatWaits(bool isServer)
    {
        (Link near, Link far) = Link.CreatePair();
        var stream = new UnclosableStream(near.AsStream());
        await using MuxPair pair = isServer
            ? await MuxPair.OverAsync(far, Link.FromStream(stream)) : await MuxPair.OverAsync(Link.FromStream(stream), far);
        (Session client, Session server) = await pair.OpenAsync();
        Session session = isServer ? server : client;
        Task read = session.ReadAsync();
        stream.Break();
        await Assert.ThrowsAsync<MainConnectionException>(() => read.Guarded());
        await session.Completion.Guarded();
        await (isServer ? pair.Server.Completion : pair.Client.Completion).Guarded();
        Assert.True(stream.IsDisposed);
        await far.DisposeAsync();
        await near.DisposeAsync();
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Stream_WhoseReadNeverEnds_DoesNotHoldUpTheClose()
    {
        (Link near, Link far) = Link.CreatePair();
        var stream = new UnclosableStream(near.AsStream());
        var time = new FakeTimeProvider();
        await using MuxPair pair = await MuxPair.OverAsync(
            Link.FromStream(stream), far, new MuxOptions { TimeProvider = time }, new MuxOptions());
        (Session client, _) = await pair.OpenAsync();
        Task read = client.ReadAsync();
        stream.FailsWrites = true;
        Task write = client.WriteAsync(new byte[10]);
        await Assert.ThrowsAsync<MainConnectionException>(() => read.Guarded());
        await write.ContinueWith(static _ => { }, TaskScheduler.Default).Guarded();
        await Guard.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return pair.Client.Completion.IsCompleted;
            },
            () => "The main connection still waits for the read.");
        await pair.Client.DisposeAsync().Guarded();
        await far.DisposeAsync();
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Logger_ThatThrows_LosesItsMessagesAlone(bool inFactory)
        => await LiveAndDieAsync(new MuxOptions { LoggerFactory = new ThrowingLoggers(inFactory) });

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Listener_ThatThrows_LosesItsMeasurementsAlone()
    {
        using var meters = new Meters();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (meters.Made.Contains(instrument.Meter))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        int heard = 0;
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw Thrown());
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => throw Thrown());
        listener.Start();
        await LiveAndDieAsync(new MuxOptions { MeterFactory = meters });
        Assert.True(heard > 0);

        NotSupportedException Thrown()
        {
            Interlocked.Increment(ref heard);
            return new NotSupportedException("The listener is broken.");
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Meters_ThatAreDisposed_AreDoneWithout()
        => await LiveAndDieAsync(new MuxOptions { MeterFactory = new Meters { IsDisposed = true } });

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clock_ThatThrows_IsReplacedByTheSystems(bool fromTheStart)
    {
        var time = new ThrowingTime { IsBroken = fromTheStart };
        await LiveAndDieAsync(new MuxOptions { TimeProvider = time }, () => time.IsBroken = true);
        Assert.True(time.Thrown > 0);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Clock_ThatThrows_StillEndsWhatIsLate()
    {
        // The far end says nothing; the timeout is a timer's.
        (Link near, Link far) = Link.CreatePair();
        var options = new MuxOptions { TimeProvider = new ThrowingTime { IsBroken = true }, HandshakeTimeout = TimeSpan.FromSeconds(0.2) };
        MainConnectionException error = await Assert.ThrowsAsync<MainConnectionException>(
            () => ClientWorker.StartAsync(near, options: options, cancellationToken: TestContext.Current.CancellationToken).Guarded());
        Assert.Equal(MainConnectionEnd.NegotiationFailed, error.Reason);
        await far.DisposeAsync();
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Dispatcher_ThatThrowsOrReturnsNothing_EndsThatSubConnectionAlone()
    {
        var dispatcher = new ThrowingDispatcher();
        await using ClientManager client = Connect(new Server(dispatcher));
        foreach (string name in (string[])["throws", "nothing", "cannot-be-read"])
        {
            await using Session session = await client.OpenAsync(
                Destination.Tcp(name + ".example", 80), TestContext.Current.CancellationToken);
            await Assert.ThrowsAsync<SessionException>(async () => await session.ReadAsync().Guarded());
            await session.Completion.Guarded();
        }

        await using Session works = await client.OpenAsync(Target, TestContext.Current.CancellationToken);
        await works.SendTextAsync("hello");
        await works.ExpectTextAsync("hello");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Flow_ThatCannotBeClosed_EndsTheSubConnectionAllTheSame()
    {
        await using ClientManager client = Connect(new Server(new ThrowingDispatcher()));
        DatagramSession flow = await client.OpenDatagramsAsync(
            Destination.Udp("unclosable.example", 53), null, TestContext.Current.CancellationToken);
        Assert.True(await flow.SendAsync(new byte[1], null, TestContext.Current.CancellationToken));
        Assert.Null(await flow.ReceiveAsync(TestContext.Current.CancellationToken).Guarded());
        await flow.DisposeAsync();
        await flow.Completion.Guarded();
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Callback_ThatThrows_HoldsNothingUp(bool isTake)
    {
        (Link near, Link far) = Link.CreatePair();
        var server = new Server(new Echo()) { SessionEnded = _ => throw new NotSupportedException("The callback is broken.") };
        Task serving = isTake
            ? server.RunAsync(far, _ => throw new NotSupportedException("The callback is broken."), TestContext.Current.CancellationToken)
            : server.RunAsync(far, TestContext.Current.CancellationToken);
        ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near));
        for (int i = 0; i < 3; i++)
        {
            await using Session session = await client.OpenAsync(Target, TestContext.Current.CancellationToken);
            session.CompleteWrites();
            if (isTake)
            {
                await Assert.ThrowsAsync<SessionException>(async () => await session.ReadAsync().Guarded());
            }
            else
            {
                await session.ExpectEndOfStreamAsync();
            }

            await session.Completion.Guarded();
        }

        await client.DisposeAsync().Guarded();
        await serving.Guarded();
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Pool_ThatCannotBeClosed_LeavesTheOtherOneClosed()
    {
        var streams = new ThrowingPool();
        var datagrams = new ThrowingPool();
        var client = new ClientManager(streams, datagrams);
        await Assert.ThrowsAsync<NotSupportedException>(
            () => client.OpenAsync(Target, TestContext.Current.CancellationToken).Guarded());
        await Assert.ThrowsAsync<NotSupportedException>(() => client.DisposeAsync().Guarded());
        Assert.Equal((true, true), (streams.IsDisposed, datagrams.IsDisposed));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Factory_WhoseTokenIsWatchedByWhatThrows_IsClosedAllTheSame()
    {
        var dialler = new Dialler();
        var factory = new WatchedFactory(dialler.Factory());
        var pool = new IncrementalWorkerPicker(factory);
        ClientWorker worker = await pool.PickAvailableAsync(TestContext.Current.CancellationToken).Guarded();
        await pool.DisposeAsync().Guarded();
        Assert.True(worker.IsClosed);
        Assert.True(factory.WasCancelled);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Relay_OfAStreamThatCannotBeClosed_EndsTheOtherSide(bool isCancelled)
    {
        (Link outside, Link inside) = Link.CreatePair();
        var stream = new UnclosableStream(inside.AsStream());
        (Link near, Link far) = Link.CreatePair();
        using var stop = new CancellationTokenSource();
        Task<RelayResult> relay = Relay.RunAsync(Link.FromStream(stream), far, stop.Token);
        if (isCancelled)
        {
            await stop.CancelAsync();
        }

        stream.Break();
        RelayResult result = await relay.Guarded();
        Assert.NotNull(result.Error);
        await Assert.ThrowsAnyAsync<Exception>(async () => await near.Input.ReadAsync(TestContext.Current.CancellationToken).Guarded());
        await outside.DisposeAsync();
    }

    /// <summary>Opens, sends, ends and closes: everything that waits does so until it is done.</summary>
    private static async Task LiveAndDieAsync(MuxOptions options, Action? meanwhile = null)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(options: options);
        (Session near, Session far) = await pair.OpenAsync();
        await near.SendTextAsync("hello");
        await far.ExpectTextAsync("hello");
        meanwhile?.Invoke();
        near.CompleteWrites();
        far.CompleteWrites();
        await near.ExpectEndOfStreamAsync();
        await far.ExpectEndOfStreamAsync();
        await near.Completion.Guarded();
        await far.Completion.Guarded();
        (Session waiting, Session cut) = await pair.OpenAsync();
        Task read = waiting.ReadAsync();
        Task farRead = cut.ReadAsync();
        await pair.Client.DisposeAsync().Guarded();
        await Assert.ThrowsAsync<MainConnectionException>(() => read.Guarded());
        await Assert.ThrowsAsync<MainConnectionException>(() => farRead.Guarded());
        await pair.Server.Completion.Guarded();
        await waiting.Completion.Guarded();
        await cut.Completion.Guarded();
    }

    private static ClientManager Connect(Server server)
    {
        (Link near, Link far) = Link.CreatePair();
        _ = server.RunAsync(far, CancellationToken.None);
        return MuxClient.Connect(_ => ValueTask.FromResult(near));
    }
}
