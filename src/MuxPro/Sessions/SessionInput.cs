using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using MuxPro.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// What a session receives: the receive loop puts in, the application takes out, and what it took becomes credit for the other end.
/// </summary>
internal sealed partial class SessionInput(Session session)
    : PipeReader, ISessionReceiver, IValueTaskSource<ReadResult>, IValueTaskSource, IThreadPoolWorkItem
{
    private static readonly Action<object?, CancellationToken> OnCancelled =
        static (state, token) => ((SessionInput)state!).CancelWait(token);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private long _examined;
    private Exception? _error;
    private bool _ended;
    private bool _completed;
    private bool _cancelRequested;
    private bool _lent; // the application holds bytes of the last read
    private SessionWait _wait;

    public bool HasUnread
    {
        get
        {
            lock (session.Sync)
            {
                return !_bytes.IsEmpty;
            }
        }
    }

    public long Unread
    {
        get
        {
            lock (session.Sync)
            {
                return _bytes.Length;
            }
        }
    }

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

    public bool IsAnswerRead => !IsCompleted;

    public bool IsWhole => false;

    // ---- the receive loop's side ------------------------------------------------------------------------------------------

    public SessionViolation? Expect(in Frame frame)
    {
        int count = frame.DataLength;
        if (count == 0)
        {
            return null;
        }

        lock (session.Sync)
        {
            // SPEC 6.3.6: data beyond the credit ends the sub-connection.
            return !session.Incoming.TryReceive(count) ? SessionViolation.OverCredit
                : session.Context.Unread.IsOver ? SessionViolation.TooMuchUnread(session.Context.Options.MaxBuffered)
                : null;
        }
    }

    public bool Receive(Slab slab, int start, int count, out SessionViolation? violation)
    {
        violation = null;
        bool grant;
        lock (session.Sync)
        {
            if (!_completed && !_ended)
            {
                _bytes.AppendReceived(slab, start, count);
                session.Context.Unread.Add(count);
                return _wait.Stop();
            }

            // Nobody reads: the bytes are dropped, and the other end may go on sending while this end still does.
            grant = session.Consume(count);
        }

        session.Announce(grant);
        return false;
    }

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
            session.Incoming.Stop();
            return _wait.Stop();
        }
    }

    public void Wake() => SessionWait.Wake(this);

    public void Run() => _wait.Complete();

    void IThreadPoolWorkItem.Execute() => _wait.Complete();

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private bool IsReadable => _cancelRequested || _ended || _bytes.Length > _examined;

    private ReadResult TakeResult()
    {
        bool cancelled = _cancelRequested;
        _cancelRequested = false;

        // What came before an error is delivered before the error.
        if (!cancelled && _error is not null && _bytes.Length <= _examined)
        {
            throw MuxErrors.Copy(_error);
        }

        _lent = true;
        return new ReadResult(_bytes.Bytes, cancelled, isCompleted: _ended && _error is null);
    }

    private void DropBytes()
    {
        session.Context.Unread.Add(-_bytes.Length);
        if (_lent)
        {
            _bytes.Abandon();
        }
        else
        {
            _bytes.Clear();
        }

        _lent = false;
        _examined = 0;
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
    }

    private void CancelWait(CancellationToken token)
    {
        lock (session.Sync)
        {
            _wait.Cancel(token);
            if (!_wait.Stop())
            {
                return;
            }
        }

        Wake();
    }
}
