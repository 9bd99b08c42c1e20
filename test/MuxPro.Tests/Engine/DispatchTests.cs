using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What becomes of a New whose target is not reached (SPEC 6.3.2): an End with the right code, and nothing else.</summary>
public sealed class DispatchTests
{
    [Fact]
    public async Task Take_TakesWhatItWants_OpenedAndReady_TheRestIsDispatched()
    {
        (Link near, Link far) = Link.CreatePair();
        var dispatcher = new FakeDispatcher();
        var taken = new TaskCompletionSource<Session>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task running = new Server(dispatcher).RunAsync(
            far,
            session => session.Destination.Port switch
            {
                1 => taken.TrySetResult(session),
                2 => throw new InvalidOperationException("A bug."),
                _ => false,
            },
            TestContext.Current.CancellationToken);
        await using ClientWorker client = await ClientWorker.StartAsync(near, cancellationToken: TestContext.Current.CancellationToken);
        Session mine = Open(1);
        await mine.RemoteOpened.Guarded();
        await mine.SendTextAsync("for the callee");
        await (await taken.Task.Guarded()).ExpectTextAsync("for the callee");
        Session failed = Open(2);
        var error = await Assert.ThrowsAsync<SessionException>(() => failed.RemoteOpened.Guarded());
        Assert.Equal(ErrorCode.DestinationUnreachable, error.ErrorCode);
        Session dispatched = Open(3);
        await dispatched.SendTextAsync("for the target");
        await (await dispatcher.AcceptAsync()).ExpectTextAsync("for the target");
        await client.DisposeAsync();
        await running.Guarded();

        Session Open(int port)
        {
            Assert.True(client.TryReserve());
            return client.Open(Destination.Tcp("target", port));
        }
    }

    public static TheoryData<string, ErrorCode> Failures => new()
    {
        { "refused", ErrorCode.ProxyRejected },
        { "exhausted", ErrorCode.ResourceExhaustion },
        { "timeout", ErrorCode.OperationTimeout },
        { "unknown-code", (ErrorCode)0x4321 },
        { "socket", ErrorCode.DestinationUnreachable },
        { "io", ErrorCode.DestinationUnreachable },
        { "bug", ErrorCode.DestinationUnreachable },
        { "bug-at-once", ErrorCode.DestinationUnreachable },
        { "cancelled", ErrorCode.RemoteDisconnect },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Dispatch_Fails_RepliesEndWithTheCode(string host, ErrorCode code)
    {
        FakeDispatcher dispatcher = new FakeDispatcher()
            .On("refused", new SessionException(ErrorCode.ProxyRejected, "Not this one."))
            .On("exhausted", new SessionException(ErrorCode.ResourceExhaustion, "No more."))
            .On("timeout", new SessionException(ErrorCode.OperationTimeout, "Too late."))
            .On("unknown-code", new SessionException((ErrorCode)0x4321, "Something new."))
            .On("socket", new SocketException((int)SocketError.ConnectionRefused))
            .On("io", new IOException("The proxy behind is gone."))
            .On("bug", new KeyNotFoundException())
            .On("bug-at-once", _ => throw new InvalidOperationException("Not even a task."))
            .On("cancelled", new OperationCanceledException("By the dispatcher itself."));
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher);
        await server.Peer.SendAsync(Raw.New(5, $"{host}:80", "unread"), Raw.Keep(5, "unread"));
        await server.Peer.ExpectEndAsync(5, code);
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.End(5));
        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
        await server.OpenAsync(5, "again");
    }

    [Fact]
    public async Task Dispatch_TakesTooLong_RepliesEnd0002()
    {
        var time = new FakeTimeProvider();
        var dial = new PendingDial();
        FakeDispatcher dispatcher = new FakeDispatcher().On("slow", dial.DispatchAsync);
        var options = new MuxOptions { TimeProvider = time, DispatchTimeout = TimeSpan.FromSeconds(5) };
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(options, dispatcher);
        await server.Peer.SendAsync(Raw.New(5, "slow:80", "unread"));
        await dial.Started.Guarded();
        time.Advance(TimeSpan.FromSeconds(4.999));
        await server.ExpectNothingAsync();
        Assert.Equal(2, server.Worker.ActiveSessions);
        time.Advance(TimeSpan.FromSeconds(0.001));
        await server.Peer.ExpectEndAsync(5, ErrorCode.OperationTimeout);
        await dial.Cancelled.Guarded();
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispatch_IsPending_WhenTheClientGivesUp_IsCancelled(bool mainConnection)
    {
        var dial = new PendingDial();
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(
            dispatcher: new FakeDispatcher().On("slow", dial.DispatchAsync));
        await server.Peer.SendAsync(Raw.New(5, "slow:80", "unread"));
        await dial.Started.Guarded();
        if (mainConnection)
        {
            await server.Peer.CompleteAsync();
            await server.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
        }
        else
        {
            await server.Peer.SendAsync(Raw.End(5, ErrorCode.RemoteDisconnect));
            await server.Peer.ExpectEndAsync(5);
            await server.ExpectNothingAsync();
        }

        await dial.Cancelled.Guarded();
    }

    [Fact]
    public async Task Dispatch_SucceedsAfterTheClientGaveUp_ClosesTheTarget()
    {
        var started = new TaskCompletionSource();
        var result = new TaskCompletionSource<Link>();
        FakeDispatcher dispatcher = new FakeDispatcher().On("deaf", _ =>
        {
            started.SetResult();
            return new ValueTask<Link>(result.Task);
        });
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher);
        await server.Peer.SendAsync(Raw.New(5, "deaf:80", "unread"));
        await started.Task.Guarded();
        await server.Peer.SendAsync(Raw.End(5, ErrorCode.RemoteDisconnect));
        await server.Peer.ExpectEndAsync(5);
        (Link near, Link far) = Link.CreatePair();
        result.SetResult(near);
        await far.ExpectResetAsync();
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Dispatch_IsPending_TheNeighbourGoesOn()
    {
        var dial = new PendingDial();
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(
            dispatcher: new FakeDispatcher().On("slow", dial.DispatchAsync));
        await server.Peer.SendAsync(Raw.New(5, "slow:80", new byte[60_000]));
        await dial.Started.Guarded();
        await server.ExpectNothingAsync();
        (Link near, Link far) = Link.CreatePair();
        dial.Succeed(near);
        Assert.Equal(60_000, (await far.ReadExactlyAsync(60_000)).Length);
    }

    [Fact]
    public async Task Target_Resets_RepliesEnd0001()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        target.Abort(new IOException("Reset."));
        await server.Peer.ExpectEndAsync(5, ErrorCode.RemoteDisconnect);
        await server.ExpectNothingAsync();
    }

    private sealed class PendingDial
    {
        private readonly TaskCompletionSource _started = new();
        private readonly TaskCompletionSource _cancelled = new();
        private readonly TaskCompletionSource<Link> _result = new();

        public Task Started => _started.Task;

        public Task Cancelled => _cancelled.Task;

        public void Succeed(Link link) => _result.SetResult(link);

        public async ValueTask<Link> DispatchAsync(CancellationToken cancellationToken)
        {
            _started.SetResult();
            try
            {
                return await _result.Task.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                _cancelled.SetResult();
                throw;
            }
        }
    }
}
