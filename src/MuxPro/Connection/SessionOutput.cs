using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace MuxPro.Connection;

/// <summary>What a session sends: the application puts in, the send loop takes out when it is the session's turn.</summary>
internal sealed partial class SessionOutput(Session session) : PipeWriter, IValueTaskSource<FlushResult>, IValueTaskSource, IThreadPoolWorkItem
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
    private SessionWait _wait;

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

    // Where many sessions wait for credit, each may wait with little.
    private const int CrowdedSendBuffer = 4 * 1024;

    private int PauseAt => session.Connection.Unsent.IsOver
        ? Math.Min(CrowdedSendBuffer, session.Connection.Options.SendBuffer)
        : session.Connection.Options.SendBuffer;

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
            session.Connection.Unsent.Add(-count);
            isEmpty = _bytes.IsEmpty;
            if (isEmpty && !_lent)
            {
                ReleaseSlab();
            }

            return _bytes.Length < ResumeBelow && _wait.Stop();
        }
    }

    /// <summary>Nothing can be sent any more; what waits is dropped.</summary>
    /// <returns>Whether a writer waits: the caller calls <see cref="Wake"/>.</returns>
    public bool Fail(Exception error)
    {
        lock (session.Sync)
        {
            _error ??= error;
            session.Connection.Unsent.Add(-_bytes.Length);
            _bytes.Clear();
            if (!_lent)
            {
                ReleaseSlab();
            }

            return _wait.Stop();
        }
    }

    /// <summary>Lets the waiting writer go on. Call it without a lock.</summary>
    public void Wake() => SessionWait.Wake(this);

    void IThreadPoolWorkItem.Execute() => _wait.Complete();

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private void Commit()
    {
        if (_slabWritten > _slabCommitted)
        {
            if (_error is null)
            {
                _bytes.AppendReference(_slab!, _slabCommitted, _slabWritten - _slabCommitted);
                session.Connection.Unsent.Add(_slabWritten - _slabCommitted);
            }

            _slabCommitted = _slabWritten;
        }
    }

    private void ReleaseSlab()
    {
        if (_lent)
        {
            _slab?.Abandon();
        }

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

    private void CancelWait(CancellationToken token)
    {
        lock (session.Sync)
        {
            if (!_wait.Stop())
            {
                return;
            }
        }

        _wait.Cancel(this, token);
    }
}
