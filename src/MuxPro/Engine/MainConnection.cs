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
/// Locks: the gate guards the table, the queues and the state of all sessions; each session's own lock guards its bytes and is taken after the gate or alone.
/// Both are held for arithmetic only; applications are woken without a lock.
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
    private readonly Clock _clock;
    private readonly PeerWatch _watch;
    private readonly MuxCool _muxCool;
    private readonly ILogger _log;
    private readonly MuxMetrics _metrics;
    private readonly TaskCompletionSource<ProtocolVersion> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _started;

    // Guarded by the gate.
    private volatile ConnectionLife _life;
    private MainConnectionException? _failure;
    private bool _peerGoesAway;
    private bool _isClosedByPeer; // a GoAway asked for the close that is under way

    /// <summary>Makes the end of a main connection; <see cref="Start"/> sets it going.</summary>
    /// <param name="link">The byte stream; owned from now on.</param>
    /// <param name="options">Settings.</param>
    /// <param name="onOpened">The server's: called on the receive loop with each new session, must not block. A client has none.</param>
    /// <exception cref="InvalidOperationException">The link carries a main connection already.</exception>
    public MainConnection(Link link, MuxOptions options, Action<Session>? onOpened)
    {
        link.Claim();
        _transport = Transport.Create(link);
        _log = options.LoggerFactory.CreateLogger<MainConnection>();
        _metrics = MuxMetrics.For(options);
        _started = options.TimeProvider.GetTimestamp();
        _watch = new PeerWatch(TimeoutsOf(options), options.TimeProvider.TimestampFrequency, _started);
        _context = new SessionContext(options, _watch, isClient: onOpened is null, _transport.RemoteEndPoint);
        _sessions = new OpenSessions(_context, OnEmpty);
        _outbox = new ControlOutbox(_context, _watch);
        _cutter = new FrameCutter(_context, _sessions, _outbox, onPaced: () => Wake());
        _sendLoop = new SendLoop(_gate, this, _context, _transport, _cutter, _watch, _metrics);
        var violations = new Violations(_gate, this, _context, _sessions, _outbox, _log);
        _muxCool = new MuxCool(_gate, this, _context, _sessions, violations, _log);
        var frames = new FrameHandlers(_gate, this, _context, _sessions, _cutter, _outbox, violations, _muxCool, onOpened);
        var control = new ControlHandlers(_gate, this, _context, _sessions, _cutter, _outbox, violations, _watch, _log);
        _receiveLoop = new ReceiveLoop(this, _context, _transport, frames, control, violations, _muxCool, _watch, _metrics, _log);
        _clock = new Clock(_gate, this, _context, _transport, _sessions, _cutter, _outbox, _watch);
        _context.Engine = new SessionRequests(_gate, this, _context, _sessions, _cutter, _muxCool, _metrics, _log);
    }

    public MuxOptions Options => _context.Options;

    /// <summary>A timestamp of the options' clock.</summary>
    public long Now => _context.Now;

    /// <summary>The round-trip time: what the kernel measured, or the last ping, or the negotiation; <see langword="null"/> while it is not known.</summary>
    public TimeSpan? RoundTripTime => _context.RoundTripTime;

    /// <summary>Done with the version when the negotiation is; fails when it does.</summary>
    public Task<ProtocolVersion> Negotiated => _negotiated.Task;

    /// <summary>Done when the main connection is gone and both loops have ended. Never fails.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Why the main connection ended, or <see langword="null"/>.</summary>
    public MainConnectionException? Failure => Volatile.Read(ref _failure);

    /// <summary>Bytes that were sent and received, frames and all.</summary>
    public long BytesMoved => _sendLoop.BytesSent + _receiveLoop.BytesReceived;

    /// <summary>Whether it takes no new sub-connections.</summary>
    public bool IsClosing => IsClosingLocked || Volatile.Read(ref _peerGoesAway);

    /// <summary>Whether this end closes or has closed it.</summary>
    public bool IsClosingLocked => _life >= ConnectionLife.Closing;

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
            // SPEC 9: nothing is negotiated.
            OnAgreed(Dialect.MuxCool, ProtocolVersion.V0_0);
        }

        _ = RunAsync();
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
            if (_failure is not null)
            {
                throw MuxErrors.Copy(_failure);
            }

            if (_peerGoesAway)
            {
                throw new MainConnectionException(MainConnectionEnd.GoingAway, "The other end goes away and takes no new sub-connections.");
            }

            if (_life >= ConnectionLife.Closing)
            {
                throw new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection is closing.");
            }

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
            BeginClose();
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
            RetireLocked();
        }

        Wake();
    }

    /// <summary>
    /// Asks the client to open nothing more here, and closes when the last sub-connection has ended. Before the private version nobody is asked: what is
    /// opened meanwhile is served.
    /// </summary>
    public void GoAway(ErrorCode code, string text)
    {
        lock (_gate)
        {
            if (_life != ConnectionLife.Open)
            {
                return;
            }

            if (_context.Dialect == Dialect.Private)
            {
                _outbox.SendGoAway(code, text);
            }

            RetireLocked();
        }

        Wake();
    }

    // ---- what the parts of the engine tell --------------------------------------------------------------------------------

    /// <summary>There may be something to send.</summary>
    /// <param name="inline">Whether it may be sent on this thread, before this method returns.</param>
    public void Wake(bool inline = false) => _sendLoop.Wake(inline);

    /// <summary>Both ends speak the same.</summary>
    public void OnAgreed(Dialect dialect, ProtocolVersion version)
    {
        lock (_gate)
        {
            _context.Agree(dialect, version);

            _clock.AllowLifeSigns(hasSpoken: false);
            if (dialect == Dialect.MuxCool)
            {
                _outbox.SkipNegotiation();
            }
        }

        if (dialect == Dialect.MuxCool)
        {
            _log.MuxCoolStarted(_context.RemoteEndPoint);
        }
        else
        {
            Measure();
            _log.MainConnectionStarted(_context.RemoteEndPoint, version);
        }

        _negotiated.TrySetResult(version);
        Wake();
    }

    /// <summary>The first frame behind the negotiation is in.</summary>
    public void OnPeerSpoke()
    {
        lock (_gate)
        {
            _clock.AllowLifeSigns(hasSpoken: true);
        }
    }

    /// <summary>A session was opened, by this end or by the other.</summary>
    public void OnOpened(Session session)
    {
        _metrics.SessionOpened();
        _log.SessionOpened(session.Id, session.Destination);
    }

    /// <summary>SPEC 8: the other end takes no new sub-connections. Under the gate.</summary>
    public void OnGoAway()
    {
        _peerGoesAway = true;
        RetireLocked();
    }

    /// <summary>The other end did not close in time after this end did.</summary>
    public void FailClosed()
    {
        MainConnectionException closed;
        lock (_gate)
        {
            closed = Closed();
        }

        Fail(closed.Reason, closed.Message);
    }

    /// <summary>Whether it is time to tell the other end that nothing more comes. Once.</summary>
    public bool TakeClose()
    {
        lock (_gate)
        {
            if (_life != ConnectionLife.Closing)
            {
                return false;
            }

            _life = ConnectionLife.CloseSent;
            return true;
        }
    }

    /// <summary>Ends the main connection and all its sub-connections; the first reason wins.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="message">The same for people.</param>
    /// <param name="exception">What was thrown, if anything.</param>
    /// <param name="isOrderly">Whether the other end closed in order: no reset is owed to it.</param>
    public void Fail(MainConnectionEnd reason, string message, Exception? exception = null, bool isOrderly = false)
    {
        var failure = new MainConnectionException(reason, message, exception);
        var wakeups = new List<Wakeups>();
        lock (_gate)
        {
            if (_failure is not null)
            {
                return;
            }

            // Between our own orderly close and the other end's, whatever happens is the end of that close.
            if (_life == ConnectionLife.CloseSent
                && reason is MainConnectionEnd.TransportFailed or MainConnectionEnd.ClosedByPeer or MainConnectionEnd.Timeout)
            {
                failure = Closed();
            }

            _failure = failure;
            _life = ConnectionLife.Ended;
            isOrderly &= !_watch.IsSending;
            bool drop = failure.Reason == MainConnectionEnd.ClosedLocally;
            ErrorCode code = reason == MainConnectionEnd.Timeout ? ErrorCode.OperationTimeout : ErrorCode.RemoteDisconnect;
            foreach (Session session in _sessions)
            {
                SessionState before = session.State;
                session.State.Discard();
                if (!before.IsAborted)
                {
                    wakeups.Add(Wakeups.Stop(session, code, failure, drop));
                }

                _sessions.Settle(session, before);
            }

            _muxCool.OnChanged();
        }

        _ = _negotiated.TrySetException(MuxErrors.Copy(failure));
        _ = _negotiated.Task.Exception; // nobody has to look
        if (!isOrderly)
        {
            _transport.Abort();
        }

        foreach (Wakeups wakeup in wakeups)
        {
            wakeup.Run();
        }

        Wake();
    }

    private static PeerTimeouts TimeoutsOf(MuxOptions options) => new(
        options.HandshakeTimeout,
        options.SilenceTimeout,
        options.WriteTimeout,
        options.PingInterval,
        options.PingTimeout,
        options.KeepAliveInterval,
        options.LingerTimeout);

    /// <summary>Takes the round-trip time of the kernel, where it has one.</summary>
    private void Measure()
    {
        TcpFigures figures = _transport.Look();
        lock (_gate)
        {
            _watch.Measure(figures);
        }
    }

    // ---- life -------------------------------------------------------------------------------------------------------------

    private async Task RunAsync()
    {
        bool isCounted = _metrics.ConnectionOpened(_context.IsClient);
        _clock.Start();
        try
        {
            await Task.WhenAll(_receiveLoop.RunAsync(), _sendLoop.RunAsync()).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Neither loop throws what the outside can cause; if one does, it is a bug, and the others must not hang on it.
            _log.LoopFailed(exception);
            Fail(MainConnectionEnd.TransportFailed, "The main connection failed inside.", exception);
        }
        finally
        {
            await _clock.StopAsync().ConfigureAwait(false);
            _cutter.Stop();
            await DisposeTransportAsync().ConfigureAwait(false);
            _cutter.Batch.Clear();
            MainConnectionException failure = Failure!;
            if (isCounted)
            {
                _metrics.ConnectionEnded(_context.IsClient, failure.Reason, Options.TimeProvider.GetElapsedTime(_started));
            }

            _log.MainConnectionEnded(_context.RemoteEndPoint, failure.Reason, failure.Message);
            _completion.SetResult();
        }
    }

    private async Task DisposeTransportAsync()
    {
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _log.TransportCloseFailed(exception);
        }
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private void RetireLocked()
    {
        if (_life == ConnectionLife.Open)
        {
            _life = ConnectionLife.Retiring;
        }

        if (_sessions.Active == 0)
        {
            BeginClose();
        }
    }

    /// <summary>The last sub-connection has ended.</summary>
    private void OnEmpty()
    {
        if (_life == ConnectionLife.Retiring)
        {
            BeginClose();
        }
    }

    private void BeginClose()
    {
        if (_life < ConnectionLife.Closing)
        {
            _life = ConnectionLife.Closing;
            _isClosedByPeer = _peerGoesAway && _sessions.Active == 0;
            _watch.OnClosing(Now);
        }
    }

    /// <summary>How an orderly close ends. One that a GoAway asked for is the other end's, whichever end is the first to close the transport.</summary>
    private MainConnectionException Closed() => _isClosedByPeer
        ? new MainConnectionException(MainConnectionEnd.ClosedByPeer, "The other end went away, and nothing was open any more.")
        : new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection was closed.");
}
