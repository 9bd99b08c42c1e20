using System.Threading.Channels;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary><see cref="ClientManager.ConnectAsync"/>: opens, and waits for the server's word where there is one.</summary>
public sealed class ConnectTests
{
    private static readonly Destination Gated = Destination.Tcp("gated", 80);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WaitsUntilTheTargetIsReached()
    {
        var reached = new TaskCompletionSource();
        Dialler server = MakeServer(reached);
        await using var client = new ClientManager(server.Pool());
        Task<Link> connecting = ((IDispatcher)client).DispatchAsync(Gated, Cancel).AsTask();

        // A neighbour's round trip is done, so this one's New has long been seen.
        await client.ConnectAsync(Destination.Tcp("echo", 7), cancellationToken: Cancel);
        Assert.False(connecting.IsCompleted);
        reached.SetResult();
        await using Link link = await connecting;
        await link.Output.WriteAsync(new byte[] { 42 }, Cancel);
        Assert.Equal(42, (await link.Input.ReadAsync(Cancel)).Buffer.FirstSpan[0]);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task BeforeThePrivateVersion_NothingIsWaitedFor()
    {
        Dialler server = MakeServer(new TaskCompletionSource(), new MuxOptions { Versions = [ProtocolVersion.V0_1] });
        await using var client = new ClientManager(server.Pool());
        Session session = await client.ConnectAsync(Gated, cancellationToken: Cancel);
        Assert.Null(session.EndCode);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Refused_TheCallerGetsTheCode_ThePlaceIsFree()
    {
        var targets = new FakeDispatcher().On("gated", new SessionException(ErrorCode.ProxyRejected, "Not here."));
        var server = new Dialler(null, targets);
        await using var picker = server.Pool(new ClientStrategy { MaxConcurrency = 1 });
        var client = new ClientManager(picker);
        for (int i = 0; i < 3; i++)
        {
            SessionException error = await Assert.ThrowsAsync<SessionException>(
                () => client.ConnectAsync(Gated, cancellationToken: Cancel).AsTask());
            Assert.Equal((ErrorCode.ProxyRejected, true), (error.ErrorCode, error.IsRemote));
        }

        await Until.TrueAsync(() => picker.Workers is [{ ActiveSessions: 0 }]);
        Assert.Equal(1, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task WorkerDiesBeforeTheResult_AnotherOneIsTried()
    {
        var reached = new TaskCompletionSource();
        Dialler server = MakeServer(reached);
        await using var client = new ClientManager(server.Pool());
        Task<Session> connecting = client.ConnectAsync(Gated, cancellationToken: Cancel).AsTask();
        for (int deaths = 1; deaths <= 3; deaths++)
        {
            await Until.TrueAsync(() => server.Servers is [.., { ActiveSessions: 1 }] && server.Dials == deaths);
            server.Links[^1].Abort();
        }

        await Until.TrueAsync(() => server.Dials == 4);
        Assert.False(connecting.IsCompleted);
        reached.SetResult();
        await using Session session = await connecting;
        Assert.Null(session.EndCode);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task EveryWorkerDies_TheCallerGetsTheError()
    {
        Dialler server = MakeServer(new TaskCompletionSource());
        await using var client = new ClientManager(server.Pool());
        Task<Session> connecting = client.ConnectAsync(Gated, cancellationToken: Cancel).AsTask();
        while (!connecting.IsCompleted)
        {
            int dials = server.Dials;
            await Until.TrueAsync(() => connecting.IsCompleted
                || (server.Servers is [.., { ActiveSessions: 1 }] && server.Servers.Count == server.Dials));
            server.Links[^1].Abort();
            await Until.TrueAsync(() => connecting.IsCompleted || server.Dials > dials);
        }

        await Assert.ThrowsAsync<MainConnectionException>(() => connecting);
        Assert.Equal(8, server.Dials);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Cancelled_TheServerGivesUpToo_ThePlaceIsFree()
    {
        var given = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        var targets = new FakeDispatcher().On("gated", async cancellationToken =>
        {
            cancellationToken.Register(given.SetResult);
            asked.SetResult();
            await given.Task;
            throw new OperationCanceledException(cancellationToken);
        });
        var server = new Dialler(null, targets);
        await using var picker = server.Pool();
        var client = new ClientManager(picker);
        using var source = new CancellationTokenSource();
        Task<Session> connecting = client.ConnectAsync(Gated, cancellationToken: source.Token).AsTask();
        await asked.Task.WaitAsync(Cancel);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        await given.Task.WaitAsync(Cancel);
        Assert.Equal(0, Assert.Single(picker.Workers).ActiveSessions);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ServerDrains_NewOnesGoElsewhere_OpenOnesGoOn()
    {
        var server = new Dialler(null, new FakeDispatcher());
        await using var picker = server.Pool();
        var client = new ClientManager(picker);
        Session open = await client.ConnectAsync(Destination.Tcp("echo", 7), cancellationToken: Cancel);
        ClientWorker worker = Assert.Single(picker.Workers);
        Task<int> draining = server.Servers[0].DrainAsync(Cancel);
        await Until.TrueAsync(() => worker.IsClosing);
        for (int i = 0; i < 5; i++)
        {
            Session next = await client.ConnectAsync(Destination.Tcp("echo", 7), cancellationToken: Cancel);
            Assert.NotSame(open.Context, next.Context);
        }

        Assert.Equal(2, server.Dials);
        Assert.Null(open.EndCode);
        open.Abort();
        Assert.Equal(0, await draining);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Datagrams_HaveMainConnectionsOfTheirOwn_WhenAsked()
    {
        var server = new Dialler();
        await using ClientManager client = MuxClient.Connect(
            server.DialAsync, new ClientStrategy { MaxConcurrency = 8, DatagramConcurrency = 2 });
        await client.OpenAsync(Gated, Cancel);
        DatagramSession[] flows = [.. await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => client.OpenDatagramsAsync(Destination.Udp("dns", 53), null, Cancel).AsTask()))];
        Assert.Equal(3, server.Dials);
        Assert.Equal(4, flows.Length);
        await client.OpenAsync(Gated, Cancel);
        Assert.Equal(3, server.Dials);
        await client.DisposeAsync();
        Assert.All(server.Servers, static worker => Assert.NotNull(worker.Failure));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Datagrams_ShareMainConnections_ByDefault()
    {
        var server = new Dialler();
        await using ClientManager client = MuxClient.Connect(server.DialAsync);
        await client.OpenAsync(Gated, Cancel);
        await using DatagramLink flow = await client.DispatchDatagramsAsync(Destination.Udp("dns", 53), Cancel);
        Assert.IsType<DatagramSession>(flow);
        Assert.Equal(1, server.Dials);
        await Assert.ThrowsAsync<ArgumentException>("destination", () => client.OpenDatagramsAsync(Gated, null, Cancel).AsTask());
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_ThatDispatchesToAClient_PassesThePriorityOn()
    {
        var reports = Channel.CreateUnbounded<SessionReport>();
        var far = new Server(new FakeDispatcher()) { SessionEnded = report => reports.Writer.TryWrite(report) };
        await using ClientManager further = MuxClient.Connect(_ => DialAsync(far));
        var near = new Server(further);
        await using ClientManager client = MuxClient.Connect(_ => DialAsync(near));
        await using (Session session = await client.ConnectAsync(Destination.Tcp("echo", 7), priority: 9, Cancel))
        {
            await session.WriteAsync(new byte[10]);
            session.CompleteWrites();
            await session.AsStream().ReadExactlyAsync(new byte[10], Cancel);
        }

        Assert.Equal(9, (await reports.Reader.ReadAsync(Cancel)).Priority);
        await using (DatagramSession flow = await client.OpenDatagramsAsync(
            Destination.Udp("dns", 53), new DatagramOptions { Priority = 10, GlobalId = 1 }, Cancel))
        {
            await flow.SendAsync(new byte[10], null, Cancel);
            await flow.Session.RemoteOpened.WaitAsync(Cancel);
        }

        Assert.Equal(10, (await reports.Reader.ReadAsync(Cancel)).Priority);

        static ValueTask<Link> DialAsync(Server server)
        {
            (Link here, Link there) = Link.CreatePair();
            _ = server.RunAsync(there, Cancel);
            return ValueTask.FromResult(here);
        }
    }

    private static Dialler MakeServer(TaskCompletionSource reached, MuxOptions? options = null)
        => new(options, new FakeDispatcher().On("gated", async cancellationToken =>
        {
            await reached.Task.WaitAsync(cancellationToken);
            return await new FakeDispatcher().DispatchAsync(Destination.Tcp("echo", 7), cancellationToken);
        }));
}
