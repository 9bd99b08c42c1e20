using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>
/// The server end: takes main connections and dispatches their sub-connections. As a dispatcher it answers the special address
/// <c>mux.pro</c> itself (SPEC 7.1) and hands every other destination on. Safe to use from many threads.
/// </summary>
public sealed class Server : IDispatcher
{
    // A main connection inside a main connection inside ... costs the one who opens it little and us a lot.
    private const int MaxDepth = 4;
    private const int MaxNested = 32;

    private readonly IDispatcher? _inner;
    private readonly MuxOptions _options;
    private readonly int _depth;
    private readonly NestedCount? _nested; // of the outermost main connection; null outside of one
    private readonly ServerWorkers _workers = new(); // those inside of others too

    /// <summary>Makes a server.</summary>
    /// <param name="inner">Reaches the destinations; not needed where sub-connections are taken or have a handler.</param>
    /// <param name="options">Settings of the main connections; the default is <see cref="MuxOptions"/>'s.</param>
    public Server(IDispatcher? inner = null, MuxOptions? options = null)
        : this(inner, options ?? MuxOptions.Default, depth: 0, nested: null)
    {
    }

    private Server(IDispatcher? inner, MuxOptions options, int depth, NestedCount? nested)
    {
        _nested = nested;
        _inner = inner;
        _options = options;
        _depth = depth;
    }

    /// <summary>A server that is the same, inside a main connection.</summary>
    private Server(Server outer, int depth, NestedCount nested)
        : this(outer._inner ?? Nobody.Instance, outer._options, depth, nested)
    {
        _workers = outer._workers;
        SessionEnded = outer.SessionEnded;
        Flows = outer.Flows;
        Peer = outer.Peer;
    }

    /// <summary>
    /// Called after each sub-connection that was dispatched, also of main connections inside a main connection; on the pool, without a
    /// lock.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: nobody is told.</value>
    public Action<SessionReport>? SessionEnded { get; init; }

    /// <summary>
    /// Has the flows of datagrams with a GlobalID (SPEC 7.2). Servers that share one, such as those of one user's main connections, keep a
    /// flow's public address when its main connection is replaced by another of theirs.
    /// </summary>
    /// <value>The default value is a table of this server's own.</value>
    public FlowTable Flows { get; init; } = new();

    /// <summary>Whose main connections these are: a GlobalID of another peer is another flow (SPEC 7.2).</summary>
    /// <value>The default value is empty: all are the same peer's.</value>
    public string Peer { get; init; } = "";

    /// <summary>
    /// Whether <see cref="AcceptAllAsync"/> yields flows of datagrams too, and handlers get them, for <see cref="Session.AsDatagrams"/>;
    /// otherwise they are refused with 0006.
    /// </summary>
    /// <value>The default value is <see langword="false"/>.</value>
    public bool AcceptsDatagrams { get; init; }

    /// <summary>
    /// Tells the clients of all main connections to open nothing more here (SPEC 8, GoAway), waits until their sub-connections have ended,
    /// and closes them. In 0.0 and 0.1, which have no GoAway, sub-connections are served until none is open.
    /// </summary>
    /// <param name="cancellationToken">The deadline: closes what is still open.</param>
    /// <returns>How many sub-connections were still open when the deadline came.</returns>
    public Task<int> DrainAsync(CancellationToken cancellationToken) => _workers.DrainAsync(cancellationToken);

    /// <summary>
    /// Reaches a destination: the special address is a main connection to this server, anything else goes to the inner dispatcher.
    /// </summary>
    /// <inheritdoc/>
    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchAsync(destination, Session.DefaultPriority, cancellationToken);

    /// <summary>
    /// The same, for a sub-connection with a priority. The sub-connections of a main connection to this server have their own.
    /// </summary>
    /// <inheritdoc/>
    public ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!destination.IsMuxPro && !(destination.IsMuxCool && _options.AcceptedProtocols.HasFlag(MuxProtocols.MuxCool)))
        {
            return (_inner ?? throw NoInner()).DispatchAsync(destination, priority, cancellationToken);
        }

        if (_depth >= MaxDepth)
        {
            throw new SessionException(ErrorCode.ResourceExhaustion, $"Main connections are nested more than {MaxDepth} deep.");
        }

        if (_nested is not null && !_nested.TryEnter(MaxNested))
        {
            throw new SessionException(ErrorCode.ResourceExhaustion, $"More than {MaxNested} main connections are inside this one.");
        }

        (Link near, Link far) = Link.CreatePair();
        _ = RunNestedAsync(far);
        return ValueTask.FromResult(near);
    }

    /// <summary>Opens a flow of datagrams with the inner dispatcher.</summary>
    /// <inheritdoc/>
    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => (_inner ?? throw NoInner()).DispatchDatagramsAsync(destination, cancellationToken);

    /// <summary>Opens a flow of datagrams with the inner dispatcher.</summary>
    /// <inheritdoc/>
    public ValueTask<DatagramLink> DispatchDatagramsAsync(
        Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => (_inner ?? throw NoInner()).DispatchDatagramsAsync(destination, options, cancellationToken);

    /// <summary>Serves one main connection until it ends; its sub-connections go to the inner dispatcher.</summary>
    /// <param name="link">The byte stream to a client; owned by the server from now on.</param>
    /// <param name="cancellationToken">Closes the main connection in order.</param>
    /// <returns>
    /// A task that is done when the main connection is gone. It does not fail by what the client does: that is logged, and in the metrics.
    /// </returns>
    /// <exception cref="InvalidOperationException">The server was made without an inner dispatcher; the link is aborted.</exception>
    public async Task RunAsync(Link link, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        if (_inner is null)
        {
            // The other end need not wait for an answer that will not come.
            link.Abort();
            throw NoInner();
        }

        await RunAsync(link, Context, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Serves one main connection until it ends; the caller takes the sub-connections that it wants, and the others go to the inner
    /// dispatcher.
    /// </summary>
    /// <param name="link">The byte stream to a client; owned by the server from now on.</param>
    /// <param name="take">
    /// Asked about each sub-connection, on the pool and without a lock: <see langword="true"/> takes it, opened and owned by the callee
    /// from then on. Without an inner dispatcher, those that it does not take are refused with 0006.
    /// </param>
    /// <param name="cancellationToken">Closes the main connection in order.</param>
    /// <returns>A task that is done when the main connection is gone. It does not fail by what the client does.</returns>
    public Task RunAsync(Link link, Func<Session, bool> take, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(take);
        return RunAsync(link, Context with { Take = take }, cancellationToken);
    }

    /// <summary>
    /// Serves one main connection until it ends; a handler serves each of its sub-connections, all at the same time.
    /// </summary>
    /// <param name="link">The byte stream to a client; owned by the server from now on.</param>
    /// <param name="handle">
    /// Called for each sub-connection, on the pool and without a lock; its token is cancelled when the sub-connection is aborted, by
    /// whichever end, or its main connection is gone. When it returns, the sub-connection ends in order. When it throws, the
    /// sub-connection alone is reset: with the code of a <see cref="SessionException"/>, or with 0001 and an error in the log.
    /// Flows of datagrams are refused with 0006 unless <see cref="AcceptsDatagrams"/>.
    /// </param>
    /// <param name="cancellationToken">Closes the main connection in order.</param>
    /// <returns>
    /// A task that is done when the main connection is gone and no handler runs any more. It does not fail by what the client or a handler
    /// does.
    /// </returns>
    public async Task RunAsync(Link link, Func<Session, CancellationToken, Task> handle, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(handle);
        var handlers = new SessionHandlers(handle, AcceptsDatagrams, GuardedLogger.For<Server>(_options));
        await RunAsync(link, Context with { Take = handlers.Start }, cancellationToken).ConfigureAwait(false);
        await handlers.WhenEndedAsync().ConfigureAwait(false);
    }

    private async Task RunAsync(Link link, ServerContext context, CancellationToken cancellationToken)
    {
        var inside = new Server(this, _depth, _nested ?? new NestedCount());
        await using ServerWorker worker = new(link, inside, _options, context);
        _workers.Add(worker);
        await using CancellationTokenRegistration registration =
            cancellationToken.UnsafeRegister(static state => _ = ((ServerWorker)state!).CloseAsync(), worker);
        await worker.Completion.ConfigureAwait(false);
        _workers.Remove(worker);
    }

    /// <summary>Serves one main connection; the caller takes each sub-connection itself.</summary>
    /// <param name="link">The byte stream to a client; owned by the server from now on.</param>
    /// <param name="cancellationToken">
    /// Closes the main connection in order and ends the enumeration with an <see cref="OperationCanceledException"/>.
    /// </param>
    /// <returns>
    /// The sub-connections, each owned by the caller: <see cref="Session.Destination"/> says what the client asks for,
    /// <see cref="Session.Abort(ErrorCode)"/> refuses. It ends with the main connection.
    /// </returns>
    public async IAsyncEnumerable<Session> AcceptAllAsync(
        Link link, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);

        // No more can wait than may be open.
        var incoming = Channel.CreateUnbounded<Session>(new UnboundedChannelOptions { SingleReader = true });
        await using ServerWorker worker = new(link, incoming.Writer, _options, Context);
        _workers.Add(worker);
        try
        {
            await foreach (Session session in incoming.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return session;
            }
        }
        finally
        {
            _workers.Remove(worker);
        }
    }

    private async Task RunNestedAsync(Link link)
    {
        var server = new Server(this, _depth + 1, _nested ?? new NestedCount());
        try
        {
            await server.RunAsync(link, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _nested?.Leave();
        }
    }

    private ServerContext Context
        => new() { SessionEnded = SessionEnded, Flows = Flows, Peer = Peer, AcceptsDatagrams = AcceptsDatagrams };

    private static InvalidOperationException NoInner() => new(
        "A server without an inner dispatcher wants a handler, or its sub-connections taken by AcceptAllAsync.");

    /// <summary>Reaches nothing.</summary>
    private sealed class Nobody : IDispatcher
    {
        public static Nobody Instance { get; } = new();

        public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
            => ValueTask.FromException<Link>(new SessionException(ErrorCode.ProxyRejected, $"{destination} is not served here."));
    }

    /// <summary>How many main connections are inside one, at all depths together.</summary>
    private sealed class NestedCount
    {
        private int _count;

        public bool TryEnter(int most)
        {
            if (Interlocked.Increment(ref _count) <= most)
            {
                return true;
            }

            Leave();
            return false;
        }

        public void Leave() => Interlocked.Decrement(ref _count);
    }
}
