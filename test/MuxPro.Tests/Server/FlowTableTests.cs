using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Flows that outlive their main connection (SPEC 7.2).</summary>
public sealed class FlowTableTests
{
    private const ulong GlobalId = 77;
    private static readonly Destination Target = Destination.Udp("10.0.0.1", 53);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lost_TheNextSubConnectionGoesOnWithTheSameFlow()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection first = await OneConnection.StartAsync(table, dispatcher, "alice");
        DatagramSession flow = await first.OpenAsync("one");
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.ExpectTextAsync("one");
        await first.LoseAsync();
        await Assert.ThrowsAsync<MainConnectionException>(() => flow.ReceiveAsync(Cancel).Guarded());
        await Until.TrueAsync(() => table.Parked == 1);
        Assert.Equal(1, table.Count);

        // What comes meanwhile waits.
        await target.SendTextAsync("in between");
        _time.Advance(TimeSpan.FromSeconds(59));
        await using OneConnection second = await OneConnection.StartAsync(table, dispatcher, "alice");
        DatagramSession next = await second.OpenAsync("two");
        await target.ExpectTextAsync("two");
        await next.ExpectTextAsync("in between");
        await target.SendTextAsync("and after");
        await next.ExpectTextAsync("and after");

        // Nothing expires while it is used.
        _time.Advance(TimeSpan.FromSeconds(59));
        await next.SendTextAsync("still");
        await target.ExpectTextAsync("still");
    }

    [Fact]
    public async Task Lost_For60Seconds_TheFlowEnds()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection first = await OneConnection.StartAsync(table, dispatcher, "alice");
        await first.OpenAsync("one");
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.ExpectTextAsync("one");
        await first.LoseAsync();
        await Until.TrueAsync(() => table.Parked == 1);
        _time.Advance(TimeSpan.FromSeconds(60));
        await target.ExpectEndAsync();
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task EndedInOrder_TheFlowEndsAtOnce()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection server = await OneConnection.StartAsync(table, dispatcher, "alice");
        DatagramSession flow = await server.OpenAsync("one");
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.ExpectTextAsync("one");
        await flow.DisposeAsync();
        await target.ExpectEndAsync();
        await Until.TrueAsync(() => table.Count == 0);
    }

    [Fact]
    public async Task Active_TheNextSubConnectionTakesItOver_AndTheEarlierOneEnds()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection first = await OneConnection.StartAsync(table, dispatcher, "alice");
        await using OneConnection second = await OneConnection.StartAsync(table, dispatcher, "alice");
        DatagramSession flow = await first.OpenAsync("one");
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.ExpectTextAsync("one");
        DatagramSession next = await second.OpenAsync("two");
        await target.ExpectTextAsync("two");
        await flow.Completion.Guarded();
        Assert.Equal(ErrorCode.RemoteDisconnect, flow.EndCode);
        await target.SendTextAsync("for the next");
        await next.ExpectTextAsync("for the next");
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public async Task TakenOver_EachReportsItsOwnDrops()
    {
        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(Target, capacity: 1);
        FakeDispatcher dispatcher = new FakeDispatcher().OnDatagrams((_, _) => ValueTask.FromResult(near));
        var table = new FlowTable(_time);
        var reports = Channel.CreateUnbounded<SessionReport>();
        await using OneConnection first = await OneConnection.StartAsync(
            table, dispatcher, "alice", ended: report => reports.Writer.TryWrite(report));
        await using OneConnection second = await OneConnection.StartAsync(
            table, dispatcher, "alice", ended: report => reports.Writer.TryWrite(report));
        DatagramSession flow = await first.OpenAsync("fills the room");
        await flow.SendTextAsync("dropped");
        await flow.SendTextAsync("dropped");
        await Until.TrueAsync(() => near.Dropped == 2);
        await using DatagramSession next = await second.OpenAsync("dropped");
        Assert.Equal(2, (await reports.Reader.ReadAsync(Cancel).Guarded()).DatagramsDropped);
        await Until.TrueAsync(() => near.Dropped == 3);
        await far.DisposeAsync();
        Assert.Equal(1, (await reports.Reader.ReadAsync(Cancel).Guarded()).DatagramsDropped);
    }

    [Fact]
    public async Task AnotherPeersGlobalId_IsAnotherFlow()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection first = await OneConnection.StartAsync(table, dispatcher, "alice");
        await using OneConnection second = await OneConnection.StartAsync(table, dispatcher, "bob");
        await first.OpenAsync("alice's");
        DatagramLink one = await dispatcher.AcceptDatagramsAsync();
        await second.OpenAsync("bob's");
        DatagramLink other = await dispatcher.AcceptDatagramsAsync();
        await one.ExpectTextAsync("alice's");
        await other.ExpectTextAsync("bob's");
        Assert.Equal(2, table.Count);
    }

    [Fact]
    public async Task ManyAtOnce_OneHoldsTheFlowInTheEnd()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        await using OneConnection server = await OneConnection.StartAsync(table, dispatcher, "alice");
        DatagramSession[] flows = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.OpenAsync("x")));
        await Until.TrueAsync(() => flows.Count(static flow => flow.EndCode is null) == 1);
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.SendTextAsync("to the last");
        await flows.Single(static flow => flow.EndCode is null).ExpectTextAsync("to the last");
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public async Task TooManyThatWait_TheOldestEnds()
    {
        var table = new FlowTable(_time, maxParked: 2);
        var dispatcher = new FakeDispatcher();
        var targets = new List<DatagramLink>();
        for (ulong i = 1; i <= 3; i++)
        {
            await using OneConnection server = await OneConnection.StartAsync(table, dispatcher, "alice");
            await server.OpenAsync("x", i);
            targets.Add(await dispatcher.AcceptDatagramsAsync());
            await targets[^1].ExpectTextAsync("x");
            await server.LoseAsync();
            int expected = (int)Math.Min(i, 2);
            await Until.TrueAsync(() => table.Parked == expected && table.Count == expected);
        }

        await targets[0].ExpectEndAsync();
    }

    [Fact]
    public async Task TooManyThatWait_OfOnePeer_CostNoOtherPeerItsFlow()
    {
        var table = new FlowTable(_time, maxParked: 3);
        var dispatcher = new FakeDispatcher();
        await using (OneConnection quiet = await OneConnection.StartAsync(table, dispatcher, "bob"))
        {
            await quiet.OpenAsync("bob's");
            await (await dispatcher.AcceptDatagramsAsync()).ExpectTextAsync("bob's");
            await quiet.LoseAsync();
        }

        for (ulong i = 1; i <= 10; i++)
        {
            await using OneConnection greedy = await OneConnection.StartAsync(table, dispatcher, "alice");
            await greedy.OpenAsync("x", i);
            DatagramLink target = await dispatcher.AcceptDatagramsAsync();
            await target.ExpectTextAsync("x");
            await greedy.LoseAsync();
            int expected = (int)Math.Min(i + 1, 3);
            await Until.TrueAsync(() => table.Parked == expected && table.Count == expected);
        }

        // Bob has his flow back: nobody asks the dispatcher for another.
        await using OneConnection next = await OneConnection.StartAsync(table, dispatcher, "bob");
        DatagramSession flow = await next.OpenAsync("bob's again");
        await flow.RemoteOpened.Guarded();
        Assert.Equal(2, table.Parked);
    }

    [Fact]
    public async Task IdleFlow_EndsAfter60Seconds_WithoutError()
    {
        var table = new FlowTable(_time);
        var dispatcher = new FakeDispatcher();
        var options = new MuxOptions
        {
            TimeProvider = _time,
            PingInterval = Timeout.InfiniteTimeSpan,
            KeepAliveInterval = Timeout.InfiniteTimeSpan,
        };
        await using OneConnection server = await OneConnection.StartAsync(table, dispatcher, "alice", options);
        DatagramSession flow = await server.OpenAsync("one");
        DatagramLink target = await dispatcher.AcceptDatagramsAsync();
        await target.ExpectTextAsync("one");
        _time.Advance(TimeSpan.FromSeconds(59));
        await target.SendTextAsync("just in time");
        await flow.ExpectTextAsync("just in time");
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(flow.EndCode);
        _time.Advance(TimeSpan.FromSeconds(1));
        await flow.ExpectEndAsync();
        await target.ExpectEndAsync();
        await flow.DisposeAsync();
        await flow.Completion.Guarded();
        Assert.Equal(ErrorCode.GracefulShutdown, flow.EndCode);
    }

    /// <summary>One main connection of a peer.</summary>
    private sealed class OneConnection : IAsyncDisposable
    {
        private readonly Link _far;
        private readonly Task _running;
        private readonly ClientWorker _client;

        private OneConnection(Link far, Task running, ClientWorker client)
        {
            _far = far;
            _running = running;
            _client = client;
        }

        public static async Task<OneConnection> StartAsync(
            FlowTable table, IDispatcher dispatcher, string peer, MuxOptions? options = null, Action<SessionReport>? ended = null)
        {
            (Link near, Link far) = Link.CreatePair();
            Task running = new Server(dispatcher, options) { Flows = table, Peer = peer, SessionEnded = ended }.RunAsync(far, Cancel);
            return new OneConnection(
                far, running, await ClientWorker.StartAsync(near, new ClientStrategy { MaxConcurrency = 100 }, options, Cancel));
        }

        public async Task<DatagramSession> OpenAsync(string text, ulong globalId = GlobalId)
        {
            Assert.True(_client.TryReserve());
            DatagramSession flow = _client.OpenDatagrams(Target, new DatagramOptions { GlobalId = globalId });
            await flow.SendTextAsync(text);
            return flow;
        }

        public async Task LoseAsync()
        {
            _far.Abort();
            await _running.Guarded();
        }

        public async ValueTask DisposeAsync()
        {
            await _client.DisposeAsync();
            await _running.Guarded();
        }
    }
}
