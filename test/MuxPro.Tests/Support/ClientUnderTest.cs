using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>Our client against a scripted server, with a sub-connection beside the one a test is about: the neighbour.</summary>
internal sealed class ClientUnderTest : IAsyncDisposable
{
    private int _said;

    private ClientUnderTest(FrameScript peer, ClientWorker worker)
    {
        Peer = peer;
        Worker = worker;
    }

    public FrameScript Peer { get; }

    public ClientWorker Worker { get; }

    public Session Neighbour { get; private set; } = null!;

    /// <summary>A client with a version negotiated, 0.0 unless said, and the neighbour open, as id 1.</summary>
    public static async Task<ClientUnderTest> StartAsync(MuxOptions? options = null, uint version = 0)
    {
        (Link client, Link server) = Link.CreatePair();
        var peer = new FrameScript(server) { Version = version };
        options = (options ?? new MuxOptions()) with { Versions = [ProtocolVersion.FromValue(version)] };
        Task<ClientWorker> start = ClientWorker.StartAsync(
            client, new ClientStrategy { MaxConcurrency = 100, MaxConnection = 0 }, options,
            TestContext.Current.CancellationToken).AsTask();
        ScriptFrame offer = await peer.ExpectAsync(FrameType.NegotiateVersion, 0);
        Assert.Equal(Raw.Negotiate(version), offer.Bytes);
        await peer.SendAsync(Raw.Negotiate(version));
        var test = new ClientUnderTest(peer, await start.Guarded());
        test.Neighbour = await test.OpenAsync();
        Assert.Equal(1, test.Neighbour.Id);
        return test;
    }

    /// <summary>Opens a sub-connection, whose New the server has seen.</summary>
    public async Task<Session> OpenAsync(string target = "target:80")
    {
        Assert.True(Worker.TryReserve());
        Session session = Worker.Open(Destination.Parse(target));
        _ = await Peer.ExpectAsync(FrameType.New, session.Id);
        return session;
    }

    /// <summary>Opens a flow of datagrams, whose New the server has seen.</summary>
    public async Task<DatagramSession> OpenDatagramsAsync(string target = "udp:10.0.0.1:53", ulong globalId = 0)
    {
        Assert.True(Worker.TryReserve());
        DatagramSession session = Worker.OpenDatagrams(Destination.Parse(target), new DatagramOptions { GlobalId = globalId });
        _ = await Peer.ExpectAsync(FrameType.New, session.Id);
        return session;
    }

    /// <summary>
    /// The neighbour goes on in both directions, and what it sends is the next frame: nothing else was sent for what came before.
    /// </summary>
    public async Task ExpectNothingAsync()
    {
        string text = $"still there {++_said}";
        await Peer.SendAsync(Raw.Keep(Neighbour.Id, text));
        await Neighbour.ExpectTextAsync(text);
        await Neighbour.SendTextAsync(text);
        await Peer.ExpectKeepAsync(Neighbour.Id, text);
    }

    /// <summary>The main connection is gone, for a reason, and the neighbour with it.</summary>
    public async Task<MainConnectionException> ExpectClosedAsync(MainConnectionEnd reason)
    {
        await Peer.ExpectClosedAsync();
        await Worker.Completion.Guarded();
        Assert.NotNull(Worker.Failure);
        Assert.Equal(reason, Worker.Failure.Reason);
        var error = await Assert.ThrowsAsync<MainConnectionException>(() => Neighbour.ReadAsync());
        Assert.Equal(reason, error.Reason);
        return Worker.Failure;
    }

    public async ValueTask DisposeAsync()
    {
        await Peer.DisposeAsync();
        await Worker.DisposeAsync().Guarded();
    }
}
