using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using MuxPro.Buffers;

namespace MuxPro.Sessions;

/// <summary>What a session sends: the application puts in, the send loop takes out when it is the session's turn.</summary>
internal sealed partial class SessionOutput(Session session)
    : PipeWriter, ISessionSender, ILender, IValueTaskSource<FlushResult>, IValueTaskSource, IThreadPoolWorkItem
{
    private static readonly Action<object?, CancellationToken> OnCancelled =
        static (state, token) => ((SessionOutput)state!).CancelWait(token);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private ReadOnlyMemory<byte> _pending; // what a write under way has left in the application's memory
    private bool _borrowed; // the send loop is copying from there: the write cannot end before it is through
    private bool _isArray; // that memory is an array
    private bool _isFlush; // who waits, waits for room only
    private bool _cut; // a write under way was given up when the writer was completed
    private Slab? _slab; // what the application writes into
    private int _slabCommitted;
    private int _slabWritten;
    private bool _wasFilled; // the slab before it, to its end
    private Exception? _error;
    private bool _lent; // the application may be writing into _slab
    private bool _isReaderGone; // the error is no more than that
    private bool _completed;
    private bool _cancelRequested;
    private SessionWait _wait;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _slabWritten - _slabCommitted;

    private int PauseAt => session.Context.SendBuffer;

    private int ResumeBelow => (PauseAt / 2) + 1;

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    /// <summary>Whether whoever waits has something to do: room to copy into, or nothing left to wait for.</summary>
    private bool MayGoOn
    {
        get
        {
            bool hasRoom = _bytes.Length < ResumeBelow;
            return _isFlush
                ? hasRoom || _error is not null || _wait.IsCancelled
                : !_borrowed && (_pending.IsEmpty || (hasRoom && !MayLend) || IsOver);
        }
    }

    /// <summary>Whether the write under way is to end, whatever is left of it.</summary>
    private bool IsOver => _error is not null || _completed || _wait.IsCancelled;

    /// <summary>
    /// Whether the send loop may copy straight from a write under way. Only arrays: other memory may fail when it is touched.
    /// </summary>
    private bool MayLend => _isArray && session.Context.IsCrowded;

    private int Lendable => _isArray ? _pending.Length : 0;

    /// <summary>Copies some of what an application writes, as far as there is room.</summary>
    private int CopyFrom(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            Commit();
            return 0;
        }

        int room = PauseAt - (int)Math.Min(_bytes.Length, int.MaxValue / 2);
        if (room <= 0 || (MayLend && source.Length > room))
        {
            return 0;
        }

        if (_slab is null || _slab.Array.Length == _slabWritten)
        {
            RenewSlab(Math.Min(source.Length, Slab.LargePayload));
        }

        int count = Math.Min(source.Length, _slab.Array.Length - _slabWritten);
        source[..count].CopyTo(_slab.Array.AsSpan(_slabWritten));
        _slabWritten += count;
        Commit();
        return count;
    }

    private void Commit()
    {
        if (_slabWritten > _slabCommitted)
        {
            if (_error is null)
            {
                _bytes.AppendReference(_slab!, _slabCommitted, _slabWritten - _slabCommitted);
                session.Context.Unsent.Add(_slabWritten - _slabCommitted);
            }

            _slabCommitted = _slabWritten;
        }
    }

    [MemberNotNull(nameof(_slab))]
    private void RenewSlab(int wanted)
    {
        Commit();
        ReleaseSlab();

        // Who filled the last one is likely to fill the next.
        int size = Math.Max(wanted + Slab.Headroom, _wasFilled ? Slab.Large : 0);
        _slab = Slab.Rent(SlabQueue.SlabSizeFor(_bytes.Length, size));
        _slabCommitted = _slabWritten = Slab.Headroom;
    }

    private void ReleaseSlab()
    {
        if (_lent)
        {
            _slab?.Abandon();
        }

        if (_slab is not null)
        {
            _wasFilled = _slabWritten == _slab.Array.Length;
            _slab.Release();
            _slab = null;
        }

        _slabCommitted = _slabWritten = 0;
    }

    private FlushResult TakeResult()
    {
        bool cancelled = _cancelRequested;
        _cancelRequested = false;
        if (!cancelled && !_isReaderGone)
        {
            ThrowIfFailed();
        }

        return new FlushResult(cancelled, isCompleted: _isReaderGone);
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
    }

    private void ThrowIfCut()
    {
        if (_cut)
        {
            _cut = false;
            ThrowIfCompleted();
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
            _wait.Cancel(token);
            if (!MayGoOn || !_wait.Stop())
            {
                return;
            }
        }

        Wake();
    }
}
