using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;

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
    private Exception? _error;
    private bool _wasFilled; // the last of them, to the end
    private bool _lent; // the application may be writing into _slab
    private bool _isReaderGone; // the error is no more than that
    private bool _completed;
    private bool _cancelRequested;
    private SessionWait _wait;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _slabWritten - _slabCommitted;

    public long Length
    {
        get
        {
            lock (session.Sync)
            {
                return _bytes.Length + Lendable;
            }
        }
    }

    public ulong GlobalId => 0;

    private int PauseAt => session.Context.SendBuffer;

    private int ResumeBelow => (PauseAt / 2) + 1;

    // ---- the send loop's side ---------------------------------------------------------------------------------------------

    public int FirstPayload(int most) => (int)Math.Min(Length, most) is > 0 and var count ? count : -1;

    public CutResult MoveFirst(SendBatch batch, int count)
    {
        lock (session.Sync)
        {
            return Move(batch, count);
        }
    }

    public CutResult Cut(SendBatch batch, ref SendCredit credit, int mostPerFrame, bool isOneFrame)
    {
        // A turn is worth as many bytes to everybody, in one frame or in several.
        int turn = mostPerFrame + Slab.Headroom;
        CutResult result = CutResult.None;
        lock (session.Sync)
        {
            do
            {
                int length = credit.Take(FrameLength(Math.Min(turn, mostPerFrame)));
                if (length == 0)
                {
                    return result;
                }

                FrameWriter.WriteKeep(batch, session.Id, length);
                result |= Move(batch, length);
                turn -= length;
            }
            while (!result.HasFlag(CutResult.IsEmpty) && !isOneFrame && turn >= SlabQueue.LargeFrame);
        }

        return result;
    }

    public bool TryGiveUp(out int dropped)
    {
        // A stream waits for its credit, however long that takes.
        dropped = 0;
        return false;
    }

    public void GiveBack()
    {
        bool wake;
        lock (session.Sync)
        {
            _borrowed = false;
            wake = MayGoOn && _wait.Stop();
        }

        if (wake)
        {
            Wake();
        }
    }

    public bool Stop(Exception error)
    {
        lock (session.Sync)
        {
            _isReaderGone = _error is null;
        }

        return Fail(error);
    }

    public bool Fail(Exception error)
    {
        lock (session.Sync)
        {
            _error ??= error;
            session.Context.Unsent.Add(-_bytes.Length);
            _bytes.Clear();
            _pending = default;
            if (!_lent)
            {
                ReleaseSlab();
            }

            return MayGoOn && _wait.Stop();
        }
    }

    public void Wake() => SessionWait.Wake(this);

    void IThreadPoolWorkItem.Execute()
    {
        bool finished = TryFinish();
        session.Context.Engine.OnWritten(session);
        if (finished)
        {
            _wait.Complete();
        }
    }

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    /// <summary>How many bytes the next frame carries, when it may carry up to <paramref name="most"/>.</summary>
    private int FrameLength(int most)
    {
        int length = _bytes.FrameLength(most);
        if (length == most || Lendable == 0 || length >= SlabQueue.LargeFrame)
        {
            return length;
        }

        // In equal parts: 64 KiB make two frames of the same size, not one large and one of a few bytes.
        int room = most - length;
        int frames = ((Lendable - 1) / room) + 1;
        return length + ((Lendable - 1) / frames) + 1;
    }

    /// <summary>Moves the payload of a frame into a batch that has its head.</summary>
    private CutResult Move(SendBatch batch, int count)
    {
        int moved = (int)Math.Min(count, _bytes.Length);
        _bytes.MoveTo(batch, moved);
        session.Context.Unsent.Add(-moved);
        if (moved < count)
        {
            _borrowed = true;
            batch.Borrow(this, _pending[..(count - moved)]);
            _pending = _pending[(count - moved)..];
        }

        bool isEmpty = _bytes.IsEmpty && Lendable == 0;
        if (_bytes.IsEmpty && !_lent)
        {
            ReleaseSlab();
        }

        return (isEmpty ? CutResult.IsEmpty : CutResult.None) | (MayGoOn && _wait.Stop() ? CutResult.Wake : CutResult.None);
    }

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

    /// <summary>Whether the send loop may copy straight from a write under way. Only arrays: other memory may fail when it is touched.</summary>
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
