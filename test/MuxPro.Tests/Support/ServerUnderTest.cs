using System.Threading.Channels;
using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>Our server against a scripted client, with a sub-connection beside the one a test is about: the neighbour.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    /// <summary>The id of the neighbour.</summary>
    public const int Neighbour = 9000;

    private readonly Channel<Session> _sessions = Channel.CreateUnbounded<Session>();
    private readonly bool _hasLimits;
    private int _said;

    private ServerUnderTest(Link server, Link client, FakeDispatcher? dispatcher, MuxOptions options)
    {
        var usual = new MuxOptions();
        _hasLimits = options.MaxSessions != usual.MaxSessions || options.InitialWindow != usual.InitialWindow
            || options.MaxDatagram != usual.MaxDatagram;
        Dispatcher = dispatcher ?? new FakeDispatcher();
        Peer = new FrameScript(client);
        Worker = dispatcher is null
            ? new ServerWorker(server, _sessions.Writer, options, new ServerContext { AcceptsDatagrams = true })
            : new ServerWorker(server, dispatcher, options);
    }

    public FrameScript Peer { get; }

    public ServerWorker Worker { get; }

    public FakeDispatcher Dispatcher { get; }

    /// <summary>What the server said about its limits, if it did.</summary>
    public ScriptFrame? Limits { get; private set; }

    /// <summary>A server that has said nothing yet.</summary>
    public static ServerUnderTest Create(MuxOptions? options = null, FakeDispatcher? dispatcher = null)
    {
        (Link server, Link client) = Link.CreatePair();
        return new ServerUnderTest(server, client, dispatcher ?? new FakeDispatcher(), options ?? new MuxOptions());
    }

    /// <summary>A server with a version negotiated, 0.0 unless said, and the neighbour open.</summary>
    public static Task<ServerUnderTest> StartAsync(MuxOptions? options = null, FakeDispatcher? dispatcher = null, uint version = 0)
        => StartAsync(Create(options, dispatcher), version);

    /// <summary>The same, but the test takes each sub-connection itself, with <see cref="AcceptAsync"/>.</summary>
    public static async Task<ServerUnderTest> StartAcceptingAsync(MuxOptions? options = null, uint version = 0)
    {
        (Link link, Link client) = Link.CreatePair();
        var server = new ServerUnderTest(link, client, dispatcher: null, options ?? new MuxOptions());
        Task<Session> neighbour = server.AcceptAsync();
        Task<ServerUnderTest> start = StartAsync(server, version);
        _ = FakeDispatcher.EchoAsync(await neighbour);
        return await start;
    }

    private static async Task<ServerUnderTest> StartAsync(ServerUnderTest server, uint version)
    {
        server.Peer.Version = version;
        await server.Peer.SendAsync(Raw.Negotiate(version));
        ScriptFrame answer = await server.Peer.ExpectAsync(FrameType.NegotiateVersion, 0);
        Assert.Equal(Raw.Negotiate(version), answer.Bytes);
        server.Limits = version == Raw.Private && server._hasLimits ? await server.Peer.ExpectAsync(FrameType.CreditUpdate, 0) : null;
        await server.Peer.SendAsync(Raw.New(Neighbour, "echo:7", "hello"));
        if (version == Raw.Private)
        {
            await server.Peer.ExpectOpenedAsync(Neighbour);
        }

        await server.Peer.ExpectKeepAsync(Neighbour, "hello");
        return server;
    }

    /// <summary>The next sub-connection that the client opened.</summary>
    public Task<Session> AcceptAsync() => _sessions.Reader.ReadAsync(TestContext.Current.CancellationToken).Guarded();

    /// <summary>Opens a sub-connection that the test takes itself.</summary>
    public async Task<Session> AcceptNewAsync(int id, string? payload = null)
    {
        await Peer.SendAsync(Raw.New(id, "target:80", payload));
        Session session = await AcceptAsync();
        Assert.Equal(id, session.Id);
        return session;
    }

    /// <summary>Opens a sub-connection whose target is the test's own.</summary>
    public async Task<Link> OpenAsync(int id, string payload = "")
    {
        await Peer.SendAsync(Raw.New(id, "target:80", payload));
        Link target = await Dispatcher.AcceptAsync();
        if (payload.Length > 0)
        {
            await target.ExpectTextAsync(payload);
        }

        return target;
    }

    /// <summary>
    /// The neighbour still answers, and its answer is the next frame: nothing else was sent for what came before.
    /// </summary>
    public async Task ExpectNothingAsync()
    {
        string text = $"still there {++_said}";
        await Peer.SendAsync(Raw.Keep(Neighbour, text));
        await Peer.ExpectKeepAsync(Neighbour, text);
    }

    /// <summary>The main connection is gone, for a reason, and with it all that it carried.</summary>
    public async Task<MainConnectionException> ExpectClosedAsync(MainConnectionEnd reason, int? mayEnd = null)
    {
        await Peer.ExpectClosedAsync(mayEnd);
        await Worker.Completion.Guarded();
        Assert.NotNull(Worker.Failure);
        Assert.Equal(reason, Worker.Failure.Reason);
        Assert.Equal(0, Worker.ActiveSessions);
        return Worker.Failure;
    }

    public async ValueTask DisposeAsync()
    {
        await Peer.DisposeAsync();
        await Worker.DisposeAsync().Guarded();
    }
}
