using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>
/// One end of a main connection: its two loops, its sub-connections and its clock. The decisions are in <c>Core</c>, the bytes in <c>Protocol</c>.
/// </summary>
/// <remarks>
/// Locks: <c>_gate</c> guards the table, the queues and the state of all sessions; each session's own lock guards its bytes and is taken after
/// <c>_gate</c> or alone. Both are held for arithmetic only; applications are woken without a lock.
/// </remarks>
internal sealed partial class MainConnection
{
    // More than a few batches ahead fills memory and the processor's cache, and sends nothing sooner.
    private const int CrowdedSendBytes = 4 * SendBatch.MaxBytes;

    // A message, not a part of a stream: it goes ahead of those among its equals.
    private const int Little = 4 * 1024;

    private readonly Lock _gate = new();
    private readonly bool _isClient;
    private readonly Transport _transport;
    private readonly Action<Session>? _onOpened;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly MuxMetrics _metrics;
    private readonly TaskCompletionSource<ProtocolVersion> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _started;

    // Guarded by _gate.
    private readonly SessionTable<Session> _sessions = new();
    private ProtocolVersion? _version;
    private bool _isPrivate;
    private MainConnectionException? _failure;
    private bool _closing;
    private int _active;

    // Each written by one loop alone.
    private long _bytesSent;
    private long _bytesReceived;

    /// <summary>Makes the end of a main connection; <see cref="Start"/> sets it going.</summary>
    /// <param name="link">The byte stream; owned from now on.</param>
    /// <param name="options">Settings.</param>
    /// <param name="onOpened">The server's: called on the receive loop with each new session, must not block. A client has none.</param>
    /// <exception cref="InvalidOperationException">The link carries a main connection already.</exception>
    public MainConnection(Link link, MuxOptions options, Action<Session>? onOpened)
    {
        link.Claim();
        Options = options;
        WindowBudget = new WindowBudget(options.WindowBudget);
        Unread = new BufferCount(options.MaxBuffered);
        Unsent = new BufferCount(Math.Min(options.MaxBuffered, CrowdedSendBytes));
        _onOpened = onOpened;
        _isClient = _negotiationDue = onOpened is null;
        _time = options.TimeProvider;
        _log = options.LoggerFactory.CreateLogger<MainConnection>();
        _metrics = MuxMetrics.For(options);
        _started = Now;
        _transport = Transport.Create(link);
        _keepAlive = new KeepAlive(ToTimestamps(options.KeepAliveInterval), _started);
        _pace = new PriorityPace(_time.TimestampFrequency);
        _opens = new Budget(options.OpensPerSecond, _time.TimestampFrequency, _started);
        _resets = new Budget(options.ResetsPerSecond, _time.TimestampFrequency, _started);
        _controls = new Budget(options.ControlFramesPerSecond, _time.TimestampFrequency, _started);
    }

    public MuxOptions Options { get; }

    /// <summary>Whether this end opens the sub-connections.</summary>
    public bool IsClient => _isClient;

    /// <summary>Whether both ends speak the private version (SPEC 8).</summary>
    public bool IsPrivate => _isPrivate;

    /// <summary>The first window of each sub-connection at this end (SPEC 6.3.6 and 8).</summary>
    public int InitialWindow => _isPrivate ? Options.InitialWindow : SendCredit.Initial;

    public WindowBudget WindowBudget { get; }

    /// <summary>What was received and not consumed.</summary>
    public BufferCount Unread { get; }

    /// <summary>What was written and not sent.</summary>
    public BufferCount Unsent { get; }

    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>A timestamp of the options' clock.</summary>
    public long Now => _time.GetTimestamp();

    /// <summary>How long ago a timestamp was.</summary>
    public TimeSpan Elapsed(long since) => _time.GetElapsedTime(since);

    /// <summary>The round-trip time in timestamps, or 0 while it is not known.</summary>
    public long RoundTripTicks => Volatile.Read(ref _roundTripTicks);

    public TimeSpan? RoundTripTime
        => RoundTripTicks is > 0 and var ticks ? _time.GetElapsedTime(0, ticks) : null;

    /// <summary>Done with the version when the negotiation is; fails when it does.</summary>
    public Task<ProtocolVersion> Negotiated => _negotiated.Task;

    /// <summary>Done when the main connection is gone and both loops have ended. Never fails.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Why the main connection ended, or <see langword="null"/>.</summary>
    public MainConnectionException? Failure => Volatile.Read(ref _failure);

    /// <summary>Bytes that were sent and received, frames and all.</summary>
    public long BytesMoved => Volatile.Read(ref _bytesSent) + Volatile.Read(ref _bytesReceived);

    /// <summary>Whether it takes no new sub-connections.</summary>
    public bool IsClosing => Volatile.Read(ref _closing) || Volatile.Read(ref _goAwayReceived) || Failure is not null;

    /// <summary>Most sub-connections that the other end takes at once (SPEC 8).</summary>
    public int MaxSessions => PeerLimits.MaxSessions;

    /// <summary>Sub-connections that have not ended.</summary>
    public int ActiveSessions => Volatile.Read(ref _active);

    /// <summary>Called without a lock when a session has ended: there is room for another one.</summary>
    public Action? RoomFreed { get; set; }

    /// <summary>Starts both loops and the clock.</summary>
    public void Start()
    {
        if (_isClient && Options.Protocol == MuxProtocols.MuxCool)
        {
            StartMuxCool();
        }

        _ = RunAsync();
    }

    /// <summary>Opens a sub-connection.</summary>
    /// <exception cref="MainConnectionException">The main connection is gone or closing.</exception>
    /// <exception cref="SessionException">All ids are in use (0004).</exception>
    public Session Open(Destination destination, byte priority) => Open(destination, priority, globalId: 0);

    private Session Open(Destination destination, byte priority, ulong globalId)
    {
        Session session;
        lock (_gate)
        {
            if (_failure is not null)
            {
                throw MuxErrors.Copy(_failure);
            }

            if (_closing || _goAwayReceived)
            {
                throw _goAwayReceived
                    ? new MainConnectionException(MainConnectionEnd.GoingAway, "The other end goes away and takes no new sub-connections.")
                    : new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection is closing.");
            }

            if (!_sessions.TryAllocate(out ushort id))
            {
                throw new SessionException(ErrorCode.ResourceExhaustion, "All 65,535 ids of the main connection are in use.");
            }

            session = new Session(this, id, destination, priority, globalId) { NewPending = true };
            AddLocked(session);
            EnqueueControlLocked(session);
        }

        _metrics.SessionOpened();
        _log.SessionOpened(session.Id, destination);
        _sendSignal.Set();
        return session;
    }

    /// <summary>Ends the main connection in order: what can be sent is sent, sub-connections that still live fail.</summary>
    public async Task CloseAsync()
    {
        lock (_gate)
        {
            BeginCloseLocked();
        }

        _sendSignal.Set();
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Ends the main connection at once.</summary>
    public void Abort(string message) => Fail(MainConnectionEnd.ClosedLocally, message);

    /// <summary>Takes no new sub-connections, and closes when the last one has ended.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _retired = true;
            if (_active > 0)
            {
                return;
            }
        }

        _ = CloseAsync();
    }

    /// <summary>A session is over: the one place that reports it.</summary>
    public void OnOver(Session session)
    {
        ErrorCode code = session.EndCode ?? ErrorCode.GracefulShutdown;
        _metrics.SessionEnded(code, _time.GetElapsedTime(session.Opened));
        _log.SessionEnded(session.Id, code);
        RoomFreed?.Invoke();
    }

    // ---- under the gate ------------------------------------------------------------------------------------------------------

    private void AddLocked(Session session)
    {
        _sessions.Add(session.Id, session);
        session.IsCounted = true;
        _room?.TrySetResult();
        session.Opened = session.LastReceived = Now;
        _active++;
    }

    /// <summary>Stops a session in both directions. What is still to be told to the other end is the caller's.</summary>
    private Wakeups AbortLocked(Session session, ErrorCode code, Exception error, bool drop)
    {
        if (session.EndSent && !session.EndReceived)
        {
            _lingering--;
        }

        session.IsAborted = true;
        session.IsOpenedDue = session.OpenedPending = false;
        session.SetEndCode(code);
        session.SetFailure(error);
        bool reader = session.Receiver.End(error, drop);
        bool writer = session.Sender.Fail(error);
        session.CloseCredit();
        UncountLocked(session);
        _room?.TrySetResult();
        return new Wakeups(session, reader, writer, IsOver: true, IsAborted: true);
    }

    /// <summary>Both ends have sent End: the id is free.</summary>
    private void RemoveLocked(Session session)
    {
        _sessions.Remove(session.Id);
        session.EndSent = session.EndReceived = true;

        // Nothing is owed for an id that may be another's by the time it is sent.
        session.PendingAbort = null;
        session.CloseCredit();
        UncountLocked(session);
    }

    /// <summary>Whom to wake once the gate is open.</summary>
    private readonly record struct Wakeups(Session Session, bool Reader, bool Writer, bool IsOver, bool IsAborted, bool IsOpened = false)
    {
        public void Run()
        {
            if (IsOpened)
            {
                Session.SetOpened();
            }

            if (Reader)
            {
                Session.Receiver.Wake();
            }

            if (Writer)
            {
                Session.Sender.Wake();
            }

            if (IsOver)
            {
                Session.SetOver(IsAborted);
            }
        }
    }
}
