using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MuxPro.Connection;

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
                Commit();
                _lent = false;
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

            token = _wait.Start();
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
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
            wake = _wait.Stop();
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
            ReleaseSlab();
            _lent = false;
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
        _wait.Finish(token);
        lock (session.Sync)
        {
            return TakeResult();
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        _wait.Finish(token);
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

            token = _wait.Start();
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
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
}
