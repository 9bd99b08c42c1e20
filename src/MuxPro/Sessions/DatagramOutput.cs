using System.Buffers.Binary;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// The datagrams that a session sends: the application puts them in, the send loop cuts a frame for each. Nobody waits: one that finds no
/// room is dropped and counted.
/// </summary>
/// <remarks>
/// They lie one after the other in a <see cref="SlabQueue"/>, as they go over the wire behind a head of our own:
/// <code>
/// | length (2) | length of the prefix (2), or 0 | 02 | port (2) | type (1) | address [| GlobalID (8)] | datagram |
/// </code>
/// </remarks>
internal sealed class DatagramOutput(Session session, ulong globalId) : ISessionSender
{
    private const int HeadLength = 4;

    // An other end that grants late may never grant enough for a large one; those behind it must not wait for ever.
    private static readonly TimeSpan MaxWaitForCredit = TimeSpan.FromSeconds(1);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private int _nextLength; // of the first in line, with its prefix, while there is one
    private int _nextPrefix;
    private long _waitingSince; // the first in line waits for credit
    private Exception? _error;
    private bool _completed;

    /// <summary>The flow's GlobalID, or 0.</summary>
    public ulong GlobalId => globalId;

    /// <summary>Datagrams that found no room or no credit, or were too large.</summary>
    public long Dropped { get; private set; }

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

    /// <summary>Takes a datagram, if there is room.</summary>
    /// <param name="data">The datagram.</param>
    /// <param name="address">Its address, or <see langword="null"/> for the session's.</param>
    /// <returns>Whether it was taken; otherwise it was dropped and counted.</returns>
    public bool Send(ReadOnlySpan<byte> data, Destination? address)
    {
        if (address is not null && address.Equals(session.Destination))
        {
            // SPEC 7.2: "Without bit 02 the address is that of New."
            address = null;
        }

        bool isTaken;
        bool isStale;
        lock (session.Sync)
        {
            ObjectDisposedException.ThrowIf(_completed, session);
            if (_error is not null)
            {
                throw MuxErrors.Copy(_error);
            }

            int prefix = address is null ? 0 : DatagramAddress.GetLength(address, globalId);
            isStale = DropStale();
            isTaken = Fits(data.Length, prefix, address);
            if (isTaken)
            {
                Append(data, address, prefix);
            }

            Dropped += isTaken ? 0 : 1;
        }

        if (isStale)
        {
            session.Context.Engine.OnDropped(isSent: true);
        }

        if (isTaken)
        {
            session.Context.Engine.OnWritten(session);
        }
        else
        {
            session.Context.Engine.OnDropped(isSent: true);
        }

        return isTaken;
    }

    public int FirstPayload(int most)
    {
        lock (session.Sync)
        {
            // It goes with the New if it goes to the New's target: there is no place for another address.
            int length = _nextLength;
            return !_bytes.IsEmpty && _nextPrefix == 0 && length <= most ? length : -1;
        }
    }

    public CutResult MoveFirst(SendBatch batch, int count)
    {
        lock (session.Sync)
        {
            Move(batch);
            return _bytes.IsEmpty ? CutResult.IsEmpty : CutResult.None;
        }
    }

    public CutResult Cut(SendBatch batch, ref SendCredit credit, int mostPerFrame, bool isOneFrame)
    {
        // Each datagram is a frame, whatever its size: a turn is worth as many bytes as a stream's.
        int turn = mostPerFrame;
        lock (session.Sync)
        {
            while (!_bytes.IsEmpty)
            {
                int data = _nextLength - _nextPrefix;

                // SPEC 7.2: sent whole, or not at all.
                if (data > credit.Available)
                {
                    _waitingSince = _waitingSince == 0 ? session.Context.Now : _waitingSince;
                    return CutResult.MayGiveUp;
                }

                if (turn <= 0 || !batch.HasRoom)
                {
                    return CutResult.None;
                }

                credit.Take(data);
                FrameOptions options = _nextPrefix > 0 ? FrameOptions.Data | FrameOptions.UdpAddress : FrameOptions.Data;
                turn -= _nextLength + Slab.Headroom;
                FrameWriter.WriteKeep(batch, session.Id, options, _nextLength);
                Move(batch);
            }

            return CutResult.IsEmpty;
        }
    }

    /// <summary>Drops what has waited for credit for too long, all of it: nothing more comes that could make room.</summary>
    public bool TryGiveUp(out int dropped)
    {
        dropped = 0;
        lock (session.Sync)
        {
            while (DropStale(isLast: true))
            {
                dropped++;
            }

            return _bytes.IsEmpty;
        }
    }

    public bool Stop(Exception error) => Fail(error);

    public bool Fail(Exception error)
    {
        lock (session.Sync)
        {
            _error ??= error;
            session.Context.Unsent.Add(-_bytes.Length);
            _bytes.Clear();
            return false;
        }
    }

    public void Wake() => throw new InvalidOperationException("Nobody waits to send a datagram.");

    public void Complete(Exception? exception = null)
    {
        lock (session.Sync)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
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

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private bool Fits(int length, int prefix, Destination? address)
        => (address is null || (session.Context.IsFullCone && address.Network == Network.Udp))
            && length <= session.Context.MaxDatagram
            && length + prefix <= FrameWriter.MaxDataLength
            && (_bytes.IsEmpty
                ? HasRoomForOne(HeadLength + prefix + length)
                : _bytes.Length + HeadLength + prefix + length <= session.Context.SendBuffer);

    /// <summary>One may wait in any session, whatever its size: but very many sessions hold very many.</summary>
    private bool HasRoomForOne(int length) => session.Context.Unsent.Bytes + length <= session.Context.Options.MaxBuffered;

    private void Append(ReadOnlySpan<byte> data, Destination? address, int prefix)
    {
        Span<byte> head = stackalloc byte[HeadLength + DatagramAddress.MaxLength];
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)(prefix + data.Length));
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)prefix);
        if (address is not null)
        {
            DatagramAddress.Write(address, globalId, head[HeadLength..]);
        }

        bool isFirst = _bytes.IsEmpty;
        _bytes.AppendCopy(head[..(HeadLength + prefix)]);
        _bytes.AppendCopy(data);
        session.Context.Unsent.Add(HeadLength + prefix + data.Length);
        if (isFirst)
        {
            Next();
        }
    }

    /// <summary>Moves the first datagram, with its address, into a batch that has the frame's head.</summary>
    private void Move(SendBatch batch)
    {
        long before = _bytes.Length;
        int length = _nextLength;
        _bytes.Consume(HeadLength);
        _bytes.MoveTo(batch, length);
        session.Context.Unsent.Add(_bytes.Length - before);
        Next();
    }

    private void Next()
    {
        _waitingSince = 0;
        if (!_bytes.IsEmpty)
        {
            Span<byte> head = stackalloc byte[HeadLength];
            _bytes.Peek(head);
            _nextLength = BinaryPrimitives.ReadUInt16BigEndian(head);
            _nextPrefix = BinaryPrimitives.ReadUInt16BigEndian(head[2..]);
        }
    }

    /// <param name="isLast">Those behind it have waited as long.</param>
    private bool DropStale(bool isLast = false)
    {
        if (_waitingSince == 0 || session.Context.Time.GetElapsedTime(_waitingSince) <= MaxWaitForCredit)
        {
            return false;
        }

        long since = _waitingSince;
        _bytes.Consume(HeadLength + _nextLength);
        session.Context.Unsent.Add(-(HeadLength + _nextLength));
        Dropped++;
        Next();
        if (isLast && !_bytes.IsEmpty)
        {
            _waitingSince = since;
        }

        return true;
    }
}
