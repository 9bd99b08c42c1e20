using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>
/// One end of a main connection: it puts the parts of the engine together and owns its life, from the first byte to the last. The loops are
/// <see cref="ReceiveLoop"/> and <see cref="SendLoop"/>, the decisions are in <c>Core</c>, the bytes in <c>Protocol</c>.
/// </summary>
/// <remarks>
/// Locks: the gate guards the table, the queues and the state of all sessions; each session's own lock guards its bytes and is taken
/// after the gate or alone. Both are held for arithmetic only; applications are woken without a lock.
/// </remarks>
internal sealed class MainConnection
{
    private readonly Lock _gate = new();
    private readonly SessionContext _context;
    private readonly Transport _transport;
    private readonly OpenSessions _sessions;
    private readonly ControlOutbox _outbox;
    private readonly FrameCutter _cutter;
    private readonly SendLoop _sendLoop;
    private readonly ReceiveLoop _receiveLoop;
    private readonly PeerWatch _watch;
    private readonly Clock _clock;
    private readonly Agreement _agreement;
    private readonly MuxCool _muxCool;
    private readonly ILogger _log;
    private readonly MuxMetrics _metrics;
    private readonly ConnectionRun _run;
    private ConnectionLife _life; // guarded by the gate

    /// <summary>Makes the end of a main connection; <see cref="Start"/> sets it going.</summary>
    /// <param name="link">The byte stream; owned from now on.</param>
    /// <param name="options">Settings.</param>
    /// <param name="onOpened">The server's: called on the receive loop with each new session, must not block. A client has none.</param>
    /// <exception cref="InvalidOperationException">The link carries a main connection already.</exception>
    public MainConnection(Link link, MuxOptions options, Action<Session>? onOpened)
    {
        link.Claim();
        _log = GuardedLogger.For<MainConnection>(options);
        _metrics = MuxMetrics.For(options);
        _transport = Transport.Create(link, _log);
        TimeProvider time = GuardedTime.Over(options.TimeProvider);
        _watch = new PeerWatch(TimeoutsOf(options), time.TimestampFrequency, time.GetTimestamp());
        _context = new SessionContext(options, time, _watch, isClient: onOpened is null, _transport.RemoteEndPoint);
        _sessions = new OpenSessions(_context, OnEmpty);
        _outbox = new ControlOutbox(_context, _watch);
        _cutter = new FrameCutter(_context, _sessions, _outbox, onPaced: () => Wake());
        _sendLoop = new SendLoop(_gate, this, _context, _transport, _cutter, _watch, _metrics);
        _clock = new Clock(_gate, this, _context, _transport, _sessions, _cutter, _outbox, _watch);
        _agreement = new Agreement(_gate, _context, _transport, _outbox, _clock, _watch, _sendLoop, _log);
        var violations = new Violations(_gate, this, _context, _sessions, _outbox, _log);
        _muxCool = new MuxCool(_gate, this, _context, _agreement, _sessions, violations, _log);
        var frames = new FrameHandlers(
            _gate, this, _context, _sessions, _cutter, _outbox, violations, _muxCool, onOpened);
        var control = new ControlHandlers(
            _gate, this, _context, _agreement, _sessions, _cutter, _outbox, violations, _watch, _log);
        _receiveLoop = new ReceiveLoop(
            this, _context, _agreement, _transport, frames, control, violations, _muxCool, _watch, _metrics, _log);
        _run = new ConnectionRun(this, _context, _transport, _receiveLoop, _sendLoop, _cutter, _clock, _metrics, _log);
        _context.Engine = new SessionRequests(_gate, this, _context, _sessions, _cutter, _sendLoop, _muxCool, _metrics, _log);
    }

    public MuxOptions Options => _context.Options;

    /// <summary>The clock. It does not throw.</summary>
    public TimeProvider Time => _context.Time;

    /// <summary>A timestamp of the clock.</summary>
    public long Now => _context.Now;

    /// <summary>The round-trip time: what the kernel measured, or the last ping, or the negotiation; none while it is not known.</summary>
    public TimeSpan? RoundTripTime => _context.RoundTripTime;

    /// <summary>Done with the version when the negotiation is; fails when it does.</summary>
    public Task<ProtocolVersion> Negotiated => _agreement.Negotiated;

    /// <summary>Done when the main connection is gone and both loops have ended. Never fails.</summary>
    public Task Completion => _run.Completion;

    /// <summary>Why the main connection ended, or <see langword="null"/>.</summary>
    public MainConnectionException? Failure => _life.Failure;

    /// <summary>Bytes that were sent and received, frames and all.</summary>
    public long BytesMoved => _sendLoop.BytesSent + _receiveLoop.BytesReceived;

    /// <summary>Whether it takes no new sub-connections. Read without the gate: what it says may be a moment old.</summary>
    public bool IsClosing => _life.IsClosing || _life.PeerGoesAway;

    /// <summary>Most sub-connections that the other end takes at once (SPEC 8).</summary>
    public int MaxSessions => _context.PeerLimits.MaxSessions;

    /// <summary>Sub-connections that have not ended.</summary>
    public int ActiveSessions => _sessions.Active;

    /// <summary>Called without a lock when a session has ended: there is room for another one.</summary>
    public Action? RoomFreed { get; set; }

    /// <summary>Starts both loops and the clock.</summary>
    public void Start()
    {
        if (_context.IsClient && Options.Protocol == MuxProtocols.MuxCool)
        {
            _agreement.OnMuxCool();
        }

        _ = _run.RunAsync();
    }

    /// <summary>Opens a sub-connection.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="globalId">Names a flow of datagrams across main connections (SPEC 7.2), or 0.</param>
    /// <exception cref="MainConnectionException">The main connection is gone or closing.</exception>
    /// <exception cref="SessionException">All ids are in use (0004).</exception>
    public Session Open(Destination destination, byte priority, ulong globalId = 0)
    {
        Session session;
        lock (_gate)
        {
            _life.ThrowIfClosing();
            if (!_sessions.TryAllocate(out ushort id))
            {
                throw new SessionException(ErrorCode.ResourceExhaustion, "All 65,535 ids of the main connection are in use.");
            }

            // SPEC 7.2: "In 0.0 all datagrams go to and come from the target of New", and there is no GlobalID.
            session = new Session(_context, id, destination, priority, _context.IsFullCone ? globalId : 0);
            _sessions.Add(session);
            _outbox.Add(session);
            _muxCool.OnChanged();
        }

        OnOpened(session);
        Wake();
        return session;
    }

    /// <summary>Ends the main connection in order: what can be sent is sent, sub-connections that still live fail.</summary>
    public async Task CloseAsync()
    {
        lock (_gate)
        {
            BeginCloseIf(_life.Close(_sessions.Active));
        }

        Wake();
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Ends the main connection at once.</summary>
    public void Abort(string message) => Fail(MainConnectionEnd.ClosedLocally, message);

    /// <summary>Closes when the last sub-connection has ended.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            BeginCloseIf(_life.Retire(_sessions.Active));
        }

        Wake();
    }

    /// <summary>
    /// Asks the client to open nothing more here, and closes when the last sub-connection has ended. Before the private version nobody is
    /// asked: what is opened meanwhile is served.
    /// </summary>
    public void GoAway(ErrorCode code, string text)
    {
        lock (_gate)
        {
            if (_life.Phase != LifePhase.Open)
            {
                return;
            }

            if (_context.Dialect == Dialect.Private)
            {
                _outbox.SendGoAway(code, text);
            }

            BeginCloseIf(_life.Retire(_sessions.Active));
        }

        Wake();
    }

    // ---- what the parts of the engine ask for -----------------------------------------------------------------------------

    /// <summary>There may be something to send.</summary>
    /// <param name="inline">Whether it may be sent on this thread, before this method returns.</param>
    public void Wake(bool inline = false) => _sendLoop.Wake(inline);

    /// <summary>A session was opened, by this end or by the other.</summary>
    public void OnOpened(Session session)
    {
        _metrics.SessionOpened();
        _log.SessionOpened(session.Id, session.Destination);
    }

    /// <summary>Whether a client may still open sub-connections here. Under the gate.</summary>
    public bool TakesSessions => !_life.IsClosing && _sessions.Count < Options.MaxSessions;

    /// <summary>SPEC 8: the other end takes no new sub-connections. Under the gate.</summary>
    public void OnGoAway() => BeginCloseIf(_life.OnGoAway(_sessions.Active));

    /// <summary>Whether it is time to tell the other end that nothing more comes. Once.</summary>
    public bool TakeClose()
    {
        lock (_gate)
        {
            return _life.TakeClose();
        }
    }

    /// <summary>The other end has not closed in time after this end did.</summary>
    public void FailClosed()
    {
        MainConnectionException closed;
        lock (_gate)
        {
            closed = _life.Closed();
        }

        Fail(closed.Reason, closed.Message);
    }

    /// <summary>Ends the main connection and all its sub-connections; the first reason wins.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="message">The same for people.</param>
    /// <param name="exception">What was thrown, if anything.</param>
    /// <param name="isOrderly">Whether the other end closed in order: no reset is owed to it.</param>
    public void Fail(MainConnectionEnd reason, string message, Exception? exception = null, bool isOrderly = false)
    {
        MainConnectionException failure;
        List<Wakeups> wakeups;
        lock (_gate)
        {
            if (_life.Failure is not null)
            {
                return;
            }

            failure = _life.End(new MainConnectionException(reason, message, exception));
            isOrderly &= !_watch.IsSending;
            wakeups = _sessions.EndAll(
                reason == MainConnectionEnd.Timeout ? ErrorCode.OperationTimeout : ErrorCode.RemoteDisconnect,
                failure,
                drop: failure.Reason == MainConnectionEnd.ClosedLocally);
            _muxCool.OnChanged();
        }

        // Those who wait come before the transport: whose it is, and how long it takes to be closed, is not known here.
        _agreement.OnFailed(failure);
        foreach (Wakeups wakeup in wakeups)
        {
            wakeup.Run();
        }

        if (!isOrderly)
        {
            _transport.Abort();
        }

        Wake();
        _run.OnFailed();
    }

    private static PeerTimeouts TimeoutsOf(MuxOptions options) => new(
        options.HandshakeTimeout,
        options.SilenceTimeout,
        options.WriteTimeout,
        options.PingInterval,
        options.PingTimeout,
        options.KeepAliveInterval,
        options.LingerTimeout,
        options.LingerTimeoutBefore);

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private void OnEmpty() => BeginCloseIf(_life.OnEmpty());

    private void BeginCloseIf(bool begins)
    {
        if (begins)
        {
            _watch.OnClosing(Now);
        }
    }
}
