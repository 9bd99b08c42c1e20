using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace MuxPro.Sessions;

/// <content>The application's side: a <see cref="PipeWriter"/>.</content>
internal sealed partial class SessionOutput
{
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (_slab is null || _slab.Array.Length - _slabWritten < Math.Max(sizeHint, 1))
            {
                _lent = false;
                RenewSlab(sizeHint);
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
            if (!_isReaderGone)
            {
                ThrowIfFailed();
            }

            Commit();
            _lent = false;
        }

        session.Context.Engine.OnWritten(session);

        short token;
        lock (session.Sync)
        {
            if (_error is not null || _cancelRequested || _bytes.Length < PauseAt)
            {
                return ValueTask.FromResult(TakeResult());
            }

            token = _wait.Start();
            _isFlush = true;
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
        return new ValueTask<FlushResult>(this, token);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        if (TryWrite(source, out FlushResult result, out short token))
        {
            return ValueTask.FromResult(result);
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
        return new ValueTask<FlushResult>(this, token);
    }

    /// <summary>Writes without what a flush has to tell.</summary>
    public ValueTask WriteAllAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (TryWrite(source, out _, out short token))
        {
            return ValueTask.CompletedTask;
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
        return new ValueTask(this, token);
    }

    public override void CancelPendingFlush()
    {
        bool wake;
        lock (session.Sync)
        {
            // A write goes on until all of it is accepted, and tells then.
            _cancelRequested = true;
            wake = _isFlush && _wait.Stop();
        }

        if (wake)
        {
            Wake();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        bool wake;
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

            // A session may be disposed while somebody writes.
            _cut = !_pending.IsEmpty;
            _pending = default;
            _completed = true;
            ReleaseSlab();
            _lent = false;
            wake = !_isFlush && MayGoOn && _wait.Stop();
        }

        if (wake)
        {
            Wake();
        }

        if (exception is not null)
        {
            session.Abort(exception);
        }
        else
        {
            session.Context.Engine.OnWritesCompleted(session);
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _wait.Finish(token);
        lock (session.Sync)
        {
            ThrowIfCut();
            return TakeResult();
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        _wait.Finish(token);
        lock (session.Sync)
        {
            ThrowIfCut();
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

    /// <summary>Writes what there is room for; the rest stays where it is, and is taken from there as room comes.</summary>
    /// <returns>Whether all of it is written; otherwise <paramref name="token"/> is that of the wait for the rest.</returns>
    private bool TryWrite(ReadOnlyMemory<byte> source, out FlushResult result, out short token)
    {
        bool isArray = MemoryMarshal.TryGetArray(source, out _);
        bool done;
        do
        {
            // A slab at a time: the send loop may have to wait for this lock.
            lock (session.Sync)
            {
                ThrowIfCompleted();
                ThrowIfFailed();
                _isArray = isArray;
                _lent = false;
                int copied = CopyFrom(source.Span);
                source = source[copied..];
                done = source.IsEmpty;
                result = done ? TakeResult() : default;
                token = 0;
                if (copied == 0 && !done)
                {
                    token = _wait.Start();
                    _pending = source;
                    _isFlush = false;
                    break;
                }
            }
        }
        while (!done);
        session.Context.Engine.OnWritten(session);
        return done;
    }

    /// <summary>Goes on with a write under way, on the pool.</summary>
    /// <returns>Whether who waits is to be told; otherwise the wait goes on.</returns>
    private bool TryFinish()
    {
        while (true)
        {
            lock (session.Sync)
            {
                if (_isFlush)
                {
                    return true;
                }

                int copied = 0;
                if (!IsOver)
                {
                    copied = CopyFrom(_pending.Span);
                    _pending = _pending[copied..];
                }
                else if (!_borrowed)
                {
                    _pending = default;
                }

                if (_pending.IsEmpty && !_borrowed)
                {
                    return true;
                }

                if (copied == 0 || _borrowed)
                {
                    _wait.Resume();
                    return false;
                }
            }
        }
    }
}
