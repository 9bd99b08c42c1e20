using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MuxPro.Sessions;

/// <content>The application's side: a <see cref="PipeReader"/>.</content>
internal sealed partial class SessionInput
{
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        session.ConfirmOpened();
        short token;
        lock (session.Sync)
        {
            ThrowIfCompleted();
            if (IsReadable)
            {
                return ValueTask.FromResult(TakeResult());
            }

            token = _wait.Start();
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
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
        bool grant;
        lock (session.Sync)
        {
            _lent = false;
            long consumedLength = _bytes.LengthTo(consumed);
            _examined = Math.Max(_bytes.LengthTo(examined), consumedLength) - consumedLength;
            _bytes.Consume(consumedLength);
            session.Context.Unread.Add(-consumedLength);
            grant = session.Consume((int)consumedLength, needsMore: _examined > 0 && _examined == _bytes.Length);
        }

        session.Announce(grant);
    }

    public override void CancelPendingRead()
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
        bool grant;
        bool wake;
        lock (session.Sync)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            long dropped = _bytes.Length;
            DropBytes();
            grant = session.Consume((int)dropped);
            wake = _wait.Stop();
        }

        if (wake)
        {
            // A session may be disposed while somebody reads: nothing would ever wake them.
            Wake();
        }

        session.Announce(grant);
        if (exception is not null)
        {
            session.Abort(exception);
        }
        else
        {
            session.Context.Engine.OnReadsCompleted(session);
        }
    }

    /// <summary>Copies received bytes, if there are any.</summary>
    /// <returns>Whether the read is done: <paramref name="read"/> bytes, 0 at the end of the stream.</returns>
    public bool TryRead(Span<byte> destination, out int read)
    {
        bool grant;
        lock (session.Sync)
        {
            ObjectDisposedException.ThrowIf(_completed, session);
            if (_bytes.IsEmpty)
            {
                read = 0;
                return _ended && (_error is null || destination.IsEmpty ? true : throw MuxErrors.Copy(_error));
            }

            read = _bytes.Read(destination);
            session.Context.Unread.Add(-read);
            _examined = 0;
            grant = session.Consume(read);
        }

        session.Announce(grant);
        return true;
    }

    /// <summary>Waits until <see cref="TryRead(Span{byte}, out int)"/> has something to say.</summary>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        session.ConfirmOpened();
        short token;
        lock (session.Sync)
        {
            if (!_bytes.IsEmpty || _ended || _completed)
            {
                return ValueTask.CompletedTask;
            }

            token = _wait.Start();
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
        return new ValueTask(this, token);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _wait.Finish(token);
        lock (session.Sync)
        {
            ThrowIfCompleted();
            return TakeResult();
        }
    }

    void IValueTaskSource.GetResult(short token) => _wait.Finish(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);
}
