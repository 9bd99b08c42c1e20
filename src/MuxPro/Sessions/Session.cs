using System.IO.Pipelines;
using System.Net;
using MuxPro.Core;
using MuxPro.Sessions;

namespace MuxPro;

/// <summary>
/// A sub-connection: one stream of bytes each way over a main connection, with its own flow control, priority and end. One reader and one
/// writer at a time; <see cref="Abort(ErrorCode)"/> and <see cref="DisposeAsync"/> may be called from anywhere.
/// </summary>
/// <remarks>
/// Completing <see cref="Output"/> sends End 0000 after all data (a half-close); completing it with an exception aborts. Completing
/// <see cref="Input"/> drops what still comes. Reads and writes of a failed session throw <see cref="SessionException"/>, or
/// <see cref="MainConnectionException"/> when the whole main connection is gone; what arrived before the failure is read first.
/// </remarks>
public sealed partial class Session : Link, ISendQueueItem<Session>
{
    /// <summary>The priority of a sub-connection that was given none: the middle.</summary>
    public const byte DefaultPriority = 128;

    private readonly ISessionReceiver _receiver;
    private readonly ISessionSender _sender;
    private SessionStream? _stream;
    private TaskCompletionSource? _completion;
    private CancellationTokenSource? _aborted;
    private bool _isOver;
    private bool _isCut;

    internal Session(SessionContext context, ushort id, Destination destination, byte priority, ulong globalId = 0)
    {
        Context = context;
        Id = id;
        Destination = destination;
        Priority = priority;
        State = new SessionState(context.IsClient, context.Dialect);
        Credit = context.NewSendCredit();
        Incoming = context.NewReceiveCredit(reserve: IsDatagrams ? DatagramLink.MaxDatagram : 0);
        if (IsDatagrams)
        {
            _receiver = new DatagramInput(this, globalId);
            _sender = new DatagramOutput(this, globalId);
        }
        else
        {
            _receiver = new SessionInput(this);
            _sender = new SessionOutput(this);
        }
    }

    /// <summary>The id on the main connection, 1 to 65,535. It is used again after the session is over.</summary>
    public ushort Id { get; }

    /// <summary>0 is served first, 255 last.</summary>
    public byte Priority { get; }

    /// <summary>Where the session goes to.</summary>
    public Destination Destination { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The session is a flow of datagrams: see <see cref="AsDatagrams"/>.</exception>
    public override PipeReader Input => Receiver as SessionInput ?? throw NoStream();

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The session is a flow of datagrams: see <see cref="AsDatagrams"/>.</exception>
    public override PipeWriter Output => Sender as SessionOutput ?? throw NoStream();

    /// <summary>The address of the other end of the main connection, where the transport has one.</summary>
    public override EndPoint? RemoteEndPoint => Context.RemoteEndPoint;

    /// <summary>Done when both directions have ended, in whatever way. Never fails: <see cref="EndCode"/> says how it ended.</summary>
    public Task Completion
    {
        get
        {
            lock (Sync)
            {
                if (_isOver)
                {
                    return Task.CompletedTask;
                }

                _completion ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _completion.Task;
            }
        }
    }

    /// <summary>
    /// How the session ended: the first code other than 0000 that either end sent, or 0000. <see langword="null"/> while it lives.
    /// </summary>
    public ErrorCode? EndCode { get; private set; }

    /// <summary>What it shares with the other sub-connections of its main connection.</summary>
    internal SessionContext Context { get; }

    /// <summary>Guards the bytes of both directions. Taken after the main connection's lock, never before it.</summary>
    internal Lock Sync { get; } = new();

    internal ISessionReceiver Receiver => _receiver;

    internal ISessionSender Sender => _sender;

    internal bool IsDatagrams => Destination.Network == Network.Udp;

    /// <summary>Cancelled when the session is aborted, by either end, or its main connection is gone before it has ended.</summary>
    internal CancellationToken Aborted
    {
        get
        {
            lock (Sync)
            {
                if (_isOver && _aborted is null)
                {
                    // What was ended in order may still be delivered (SPEC 9: data, and the End of both directions behind it).
                    return new CancellationToken(canceled: _isCut);
                }

                _aborted ??= new CancellationTokenSource();
                return _aborted.Token;
            }
        }
    }

    // These belong to the engine, and are guarded by the main connection's lock.
    internal SessionState State;
    internal SendCredit Credit;
    internal long Opened;
    internal long LastReceived;
    internal bool InSendQueue;
    internal bool InControlQueue;

    // SPEC 9: the receive loop's, in Mux.Cool.
    internal StallGrace Grace;

    byte ISendQueueItem<Session>.Priority => Priority;

    Session? ISendQueueItem<Session>.NextInQueue { get; set; }

    /// <summary>The session as a flow of datagrams.</summary>
    /// <returns>The flow; disposing it disposes the session.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Destination"/> is not UDP.</exception>
    public DatagramSession AsDatagrams()
        => IsDatagrams
            ? new DatagramSession(this)
            : throw new InvalidOperationException($"{Destination} is a stream, not a flow of datagrams.");

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The session is a flow of datagrams: see <see cref="AsDatagrams"/>.</exception>
    public override Stream AsStream() => _stream ??= new SessionStream(this, (SessionInput)Input, (SessionOutput)Output);

    /// <summary>
    /// Ends the own direction after all data that was written: the other end reads the end of the stream and may still answer.
    /// </summary>
    public void CompleteWrites() => _sender.Complete();

    /// <summary>Ends both directions at once: unsent and unread data is dropped, and the other end is told the code.</summary>
    /// <param name="code">Why; anything but <see cref="ErrorCode.GracefulShutdown"/>.</param>
    public void Abort(ErrorCode code)
    {
        if (code == ErrorCode.GracefulShutdown)
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "An abort needs an error code; CompleteWrites ends in order.");
        }

        Context.Engine.Abort(
            this, new SessionException(code, $"Session {Id} to {Destination} was aborted by this end: {MuxErrors.Describe(code)}."));
    }

    /// <summary>
    /// Ends both directions at once. The other end is told the code of a <see cref="SessionException"/>, else
    /// <see cref="ErrorCode.RemoteDisconnect"/>.
    /// </summary>
    /// <param name="reason">Why, for the readers and writers of this end.</param>
    public override void Abort(Exception? reason = null)
    {
        ErrorCode code = reason is SessionException { ErrorCode: not ErrorCode.GracefulShutdown } session
            ? session.ErrorCode
            : ErrorCode.RemoteDisconnect;
        string because = reason is null ? "." : $": {reason.Message}";
        FailureDetail detail = (reason as SessionException)?.Detail ?? FailureDetail.None;
        string message = $"Session {Id} to {Destination} was aborted by this end{because}";
        Context.Engine.Abort(this, new SessionException(code, message, reason) { Detail = detail });
    }

    /// <summary>
    /// Ends the session in order: what was written is still sent, what comes is dropped; an other end that goes on sending is told to stop.
    /// Returns at once; <see cref="Completion"/> tells when it is over.
    /// </summary>
    /// <returns>A completed task.</returns>
    public override ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    internal void Close()
    {
        _sender.Complete();
        _receiver.Complete();
    }

    /// <summary>Records how the session ended; the first error wins.</summary>
    internal void SetEndCode(ErrorCode code)
    {
        if (EndCode is null or ErrorCode.GracefulShutdown)
        {
            EndCode = code;
        }
    }

    /// <summary>Both directions are over. Call it without the main connection's lock.</summary>
    internal void SetOver(bool aborted)
    {
        TaskCompletionSource? completion;
        TaskCompletionSource? opened;
        CancellationTokenSource? cancellation;
        lock (Sync)
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
            _isCut = aborted;
            completion = _completion;
            opened = _opened;
            cancellation = aborted ? _aborted : null;
        }

        Context.Engine.OnOver(this);
        completion?.TrySetResult();
        if (opened is not null)
        {
            EndOpening(opened);
        }

        // On the pool: the callbacks are somebody else's code.
        _ = cancellation?.CancelAsync();
    }

    private InvalidOperationException NoStream() => new($"{Destination} is a flow of datagrams: see {nameof(AsDatagrams)}.");
}
