using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using MuxPro.Core;

namespace MuxPro.Connection;

/// <summary>What a session receives: the receive loop puts in, the application takes out, and what it took becomes credit for the other end.</summary>
internal sealed class SessionInput(Session session) : PipeReader, IValueTaskSource<ReadResult>, IValueTaskSource
{
    private static readonly Action<object?, CancellationToken> OnCancelled =
        static (state, token) => ((SessionInput)state!).CancelWait(token);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private ReceiveCredit _credit = new(session.Connection.Options.MaxWindow, session.Connection.WindowBudget);
    private long _examined;
    private Exception? _error;
    private bool _ended;
    private bool _mayGrant = true;
    private bool _completed;
    private bool _cancelRequested;
    private bool _lent; // the application holds bytes of the last read
    private bool _drop; // the bytes go as soon as the application has returned them
    private bool _waiting;

    private ManualResetValueTaskSourceCore<bool> _wait = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;

    /// <summary>Whether the application reads no more.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (session.Sync)
            {
                return _completed;
            }
        }
    }

    // ---- the receive loop's side ------------------------------------------------------------------------------------------

    /// <summary>Takes credit for the payload of a frame.</summary>
    /// <returns><see langword="false"/> when the other end sends more than it was granted (SPEC 6.3.6).</returns>
    public bool TryReceive(int count)
    {
        lock (session.Sync)
        {
            return _credit.TryReceive(count);
        }
    }

    /// <summary>Adds payload that was accounted for by <see cref="TryReceive"/>.</summary>
    /// <returns>Whether a reader waits for it: the caller calls <see cref="Wake"/>.</returns>
    public bool Append(Slab slab, int start, int count)
    {
        int grant;
        lock (session.Sync)
        {
            if (!_completed && !_ended)
            {
                _bytes.AppendReceived(slab, start, count);
                return StopWaiting();
            }

            // Nobody reads: the bytes are dropped, and the other end may go on sending while this end still does.
            grant = Consume(count, needsMore: false);
        }

        session.Connection.Grant(session, grant);
        return false;
    }

    /// <summary>Nothing more comes.</summary>
    /// <param name="error">Why, unless the other end is done in order. What was received before is read first.</param>
    /// <param name="drop">Whether what was received before is dropped instead.</param>
    /// <returns>Whether a reader waits: the caller calls <see cref="Wake"/>.</returns>
    public bool End(Exception? error, bool drop = false)
    {
        lock (session.Sync)
        {
            if (drop)
            {
                DropBytes();
            }

            // An end of stream that was received stays one: the other end had said all it had to say.
            if (_ended && !drop)
            {
                return false;
            }

            _ended = true;
            _error ??= error;
            _mayGrant = false;
            return StopWaiting();
        }
    }

    /// <summary>Lets the waiting reader go on. Call it without a lock.</summary>
    public void Wake() => _wait.SetResult(true);

    /// <summary>The credit to grant just before our End, after which there is no granting (SPEC 6.3.4).</summary>
    public int TakeLastGrant()
    {
        lock (session.Sync)
        {
            bool reads = _mayGrant && !_completed;
            _mayGrant = false;
            return reads ? _credit.TakeLastGrant() : 0;
        }
    }

    /// <summary>The sub-connection is over: its window goes back to the main connection.</summary>
    public void CloseCredit()
    {
        lock (session.Sync)
        {
            _mayGrant = false;
            _credit.Close();
        }
    }

    // ---- the application's side -------------------------------------------------------------------------------------------

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        short token;
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (IsReadable)
            {
                return ValueTask.FromResult(TakeResult());
            }

            token = StartWaiting();
        }

        RegisterCancellation(cancellationToken);
        return new ValueTask<ReadResult>(this, token);
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (!IsReadable)
            {
                result = default;
                return false;
            }

            result = TakeResult();
            return true;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        int grant;
        lock (session.Sync)
        {
            _lent = false;
            if (_drop)
            {
                DropBytes();
                return;
            }

            long consumedLength = _bytes.LengthTo(consumed);
            _examined = Math.Max(_bytes.LengthTo(examined), consumedLength) - consumedLength;
            _bytes.Consume(consumedLength);
            grant = Consume((int)consumedLength, needsMore: _examined > 0 && _examined == _bytes.Length);
        }

        session.Connection.Grant(session, grant);
    }

    public override void CancelPendingRead()
    {
        bool wake;
        lock (session.Sync)
        {
            _cancelRequested = true;
            wake = StopWaiting();
        }

        if (wake)
        {
            Wake();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        int grant;
        bool wake;
        lock (session.Sync)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            _lent = false;
            long dropped = _bytes.Length;
            DropBytes();
            grant = Consume((int)dropped, needsMore: false);
            wake = StopWaiting();
        }

        if (wake)
        {
            // A session may be disposed while somebody reads: nothing would ever wake them.
            Wake();
        }

        session.Connection.Grant(session, grant);
        if (exception is not null)
        {
            session.Abort(exception);
        }
    }

    /// <summary>Copies received bytes, if there are any.</summary>
    /// <returns>Whether the read is done: <paramref name="read"/> bytes, 0 at the end of the stream.</returns>
    public bool TryRead(Span<byte> destination, out int read)
    {
        int grant;
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (_bytes.IsEmpty)
            {
                read = 0;
                return _ended && (_error is null || destination.IsEmpty ? true : throw Rethrow(_error));
            }

            read = _bytes.Read(destination);
            _examined = 0;
            grant = Consume(read, needsMore: false);
        }

        session.Connection.Grant(session, grant);
        return true;
    }

    /// <summary>Waits until <see cref="TryRead(Span{byte}, out int)"/> has something to say.</summary>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        short token;
        lock (session.Sync)
        {
            if (!_bytes.IsEmpty || _ended || _completed)
            {
                return ValueTask.CompletedTask;
            }

            token = StartWaiting();
        }

        RegisterCancellation(cancellationToken);
        return new ValueTask(this, token);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        FinishWait(token);
        lock (session.Sync)
        {
            ThrowIfCompleted();
            return TakeResult();
        }
    }

    void IValueTaskSource.GetResult(short token) => FinishWait(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private bool IsReadable => _cancelRequested || _ended || _bytes.Length > _examined;

    private ReadResult TakeResult()
    {
        bool cancelled = _cancelRequested;
        _cancelRequested = false;

        // What came before an error is delivered before the error.
        if (!cancelled && _error is not null && _bytes.Length <= _examined)
        {
            throw Rethrow(_error);
        }

        _lent = true;
        return new ReadResult(_bytes.Bytes, cancelled, isCompleted: _ended && _error is null);
    }

    private int Consume(int count, bool needsMore)
    {
        if (count > 0)
        {
            _credit.Consume(count);
        }

        return _mayGrant && _credit.IsGrantDue(needsMore)
            ? _credit.TakeGrant(session.Connection.Now, session.Connection.RoundTripTicks, needsMore)
            : 0;
    }

    private void DropBytes()
    {
        if (_lent)
        {
            // The application may be looking at them; in another session's hands they would be another's data.
            _drop = true;
            return;
        }

        _bytes.Clear();
        _examined = 0;
    }

    private short StartWaiting()
    {
        if (_waiting)
        {
            throw new InvalidOperationException("Another read of this session is under way.");
        }

        _wait.Reset();
        _waiting = true;
        return _wait.Version;
    }

    private bool StopWaiting()
    {
        bool waiting = _waiting;
        _waiting = false;
        return waiting;
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
    }

    // ---- without the lock -------------------------------------------------------------------------------------------------

    private void RegisterCancellation(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(OnCancelled, this);
        }
    }

    private void CancelWait(CancellationToken token)
    {
        lock (session.Sync)
        {
            if (!StopWaiting())
            {
                return;
            }
        }

        _wait.SetException(new OperationCanceledException(token));
    }

    private void FinishWait(short token)
    {
        // Outside the lock: disposing waits for a callback that takes it.
        _cancellation.Dispose();
        _cancellation = default;
        _wait.GetResult(token);
    }

    /// <summary>An exception is thrown once per read: each gets its own, with the first one's words and cause.</summary>
    private static Exception Rethrow(Exception error) => MuxErrors.Copy(error);
}
