using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MuxPro.Connection;

/// <summary>What a session sends: the application puts in, the send loop takes out when it is the session's turn.</summary>
internal sealed class SessionOutput(Session session) : PipeWriter, IValueTaskSource<FlushResult>, IValueTaskSource
{
    private static readonly Action<object?, CancellationToken> OnCancelled =
        static (state, token) => ((SessionOutput)state!).CancelWait(token);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private Slab? _slab; // what the application writes into
    private int _slabCommitted;
    private int _slabWritten;
    private Exception? _error;
    private bool _lent; // the application may be writing into _slab
    private bool _completed;
    private bool _cancelRequested;
    private bool _waiting;

    private ManualResetValueTaskSourceCore<bool> _wait = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _slabWritten - _slabCommitted;

    /// <summary>Bytes that wait to be sent.</summary>
    public long Length
    {
        get
        {
            lock (session.Sync)
            {
                return _bytes.Length;
            }
        }
    }

    private int PauseAt => session.Connection.Options.SendBuffer;

    private int ResumeBelow => (PauseAt / 2) + 1;

    // ---- the send loop's side ---------------------------------------------------------------------------------------------

    /// <summary>Moves bytes into a batch.</summary>
    /// <param name="batch">Where to.</param>
    /// <param name="count">How many; no more than <see cref="Length"/>.</param>
    /// <param name="isEmpty">Whether nothing is left.</param>
    /// <returns>Whether a writer waits for the room: the caller calls <see cref="Wake"/>.</returns>
    public bool MoveTo(SendBatch batch, int count, out bool isEmpty)
    {
        lock (session.Sync)
        {
            _bytes.MoveTo(batch, count);
            isEmpty = _bytes.IsEmpty;
            if (isEmpty && !_lent)
            {
                ReleaseSlab();
            }

            return _bytes.Length < ResumeBelow && StopWaiting();
        }
    }

    /// <summary>Nothing can be sent any more; what waits is dropped.</summary>
    /// <returns>Whether a writer waits: the caller calls <see cref="Wake"/>.</returns>
    public bool Fail(Exception error)
    {
        lock (session.Sync)
        {
            _error ??= error;
            _bytes.Clear();
            if (!_lent)
            {
                ReleaseSlab();
            }

            return StopWaiting();
        }
    }

    /// <summary>Lets the waiting writer go on. Call it without a lock.</summary>
    public void Wake() => _wait.SetResult(true);

    // ---- the application's side -------------------------------------------------------------------------------------------

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (_slab is null || _slab.Array.Length - _slabWritten < Math.Max(sizeHint, 1))
            {
                Commit();
                ReleaseSlab();
                _slab = Slab.Rent(SlabQueue.SlabSizeFor(_bytes.Length, sizeHint));
            }

            _lent = true;
            return _slab.Array.AsMemory(_slabWritten);
        }
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        lock (session.Sync)
        {
            if (bytes < 0 || bytes > (_slab?.Array.Length ?? 0) - _slabWritten)
            {
                throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than GetMemory gave.");
            }

            _slabWritten += bytes;
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        lock (session.Sync)
        {
            ThrowIfCompleted();
            ThrowIfFailed();
            Commit();
            _lent = false;
        }

        session.Connection.OnWritten(session);

        short token;
        lock (session.Sync)
        {
            if (_error is not null || _cancelRequested || _bytes.Length < PauseAt)
            {
                return ValueTask.FromResult(TakeResult());
            }

            token = StartWaiting();
        }

        RegisterCancellation(cancellationToken);
        return new ValueTask<FlushResult>(this, token);
    }

    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        await WriteAllAsync(source, cancellationToken).ConfigureAwait(false);
        return await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes in pieces that the buffer has room for, so that a large write does not hold all of it twice.</summary>
    public async ValueTask WriteAllAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            source = source[CopyFrom(source.Span)..];
            session.Connection.OnWritten(session);
            if (source.IsEmpty)
            {
                return;
            }

            await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public override void CancelPendingFlush()
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
        lock (session.Sync)
        {
            if (_completed)
            {
                return;
            }

            if (exception is null && _error is null)
            {
                Commit();
            }

            _completed = true;
            _lent = false;
            ReleaseSlab();
        }

        if (exception is not null)
        {
            session.Abort(exception);
        }
        else
        {
            session.Connection.CompleteWrites(session);
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        FinishWait(token);
        lock (session.Sync)
        {
            return TakeResult();
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        FinishWait(token);
        lock (session.Sync)
        {
            ThrowIfFailed();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _wait.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    private ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        short token;
        lock (session.Sync)
        {
            ThrowIfFailed();
            if (_bytes.Length < PauseAt)
            {
                return ValueTask.CompletedTask;
            }

            token = StartWaiting();
        }

        RegisterCancellation(cancellationToken);
        return new ValueTask(this, token);
    }

    private int CopyFrom(ReadOnlySpan<byte> source)
    {
        lock (session.Sync)
        {
            ThrowIfCompleted();
            ThrowIfFailed();
            int copied = 0;
            while (copied < source.Length && _bytes.Length < PauseAt)
            {
                if (_slab is null || _slab.Array.Length == _slabWritten)
                {
                    Commit();
                    ReleaseSlab();
                    _slab = Slab.Rent(SlabQueue.SlabSizeFor(_bytes.Length, Math.Min(source.Length - copied, Slab.Large)));
                }

                int count = Math.Min(source.Length - copied, _slab.Array.Length - _slabWritten);
                source.Slice(copied, count).CopyTo(_slab.Array.AsSpan(_slabWritten));
                _slabWritten += count;
                copied += count;
                Commit();
            }

            return copied;
        }
    }

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private void Commit()
    {
        if (_slabWritten > _slabCommitted)
        {
            if (_error is null)
            {
                _bytes.AppendReference(_slab!, _slabCommitted, _slabWritten - _slabCommitted);
            }

            _slabCommitted = _slabWritten;
        }
    }

    private void ReleaseSlab()
    {
        _slab?.Release();
        _slab = null;
        _slabCommitted = _slabWritten = 0;
    }

    private FlushResult TakeResult()
    {
        bool cancelled = _cancelRequested;
        _cancelRequested = false;
        if (!cancelled)
        {
            ThrowIfFailed();
        }

        return new FlushResult(cancelled, isCompleted: false);
    }

    private short StartWaiting()
    {
        if (_waiting)
        {
            throw new InvalidOperationException("Another flush of this session is under way.");
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
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
    }

    private void ThrowIfFailed()
    {
        if (_error is not null)
        {
            throw MuxErrors.Copy(_error);
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
}
