using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <content>The engine's side: an <see cref="ISessionSender"/>.</content>
internal sealed partial class SessionOutput
{
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

    public int FirstPayload(int most)
    {
        lock (session.Sync)
        {
            // What was copied stays until it is sent; a write under way may be given up before MoveFirst.
            return (int)Math.Min(_bytes.Length, most) is > 0 and var count ? count : -1;
        }
    }

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
                // A write under way may have been given up since the session got in line.
                int wanted = FrameLength(Math.Min(turn, mostPerFrame));
                if (wanted == 0)
                {
                    return result | CutResult.IsEmpty;
                }

                int length = credit.Take(wanted);
                if (length == 0)
                {
                    return result;
                }

                FrameWriter.WriteKeep(batch, session.Id, length);
                result |= Move(batch, length);
                turn -= length;
            }
            while ((result & CutResult.IsEmpty) == 0 && !isOneFrame && turn >= SlabQueue.LargeFrame);
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
}
