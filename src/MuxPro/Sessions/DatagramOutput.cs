using System.Buffers.Binary;
using MuxPro.Buffers;
using MuxPro.Engine;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// The datagrams that a session sends: the application puts them in, the send loop cuts a frame for each. Nobody waits: one that finds no room is
/// dropped and counted.
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
            session.Connection.OnDropped(isSent: true);
        }

        if (isTaken)
        {
            session.Connection.OnWritten(session);
        }
        else
        {
            session.Connection.OnDropped(isSent: true);
        }

        return isTaken;
    }

    /// <summary>What the first datagram in line takes.</summary>
    /// <param name="prefix">Bytes of its address, which cost no credit.</param>
    /// <param name="data">Bytes of its payload.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryPeek(out int prefix, out int data)
    {
        lock (session.Sync)
        {
            prefix = _nextPrefix;
            data = _nextLength - _nextPrefix;
            return !_bytes.IsEmpty;
        }
    }

    /// <summary>The first in line has not enough credit.</summary>
    public void WaitForCredit()
    {
        lock (session.Sync)
        {
            _waitingSince = _waitingSince == 0 ? session.Connection.Now : _waitingSince;
        }
    }

    /// <summary>Drops what has waited for credit for too long, all of it: nothing more comes that could make room.</summary>
    /// <param name="dropped">How many were dropped: the caller reports them, without a lock.</param>
    /// <returns>Whether nothing waits any more.</returns>
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

    /// <summary>Moves the first datagram, with its address, into a batch.</summary>
    /// <param name="batch">Where to; it has the frame's head.</param>
    /// <param name="isEmpty">Whether nothing is left.</param>
    public void MoveTo(SendBatch batch, out bool isEmpty)
    {
        lock (session.Sync)
        {
            long before = _bytes.Length;
            int length = _nextLength;
            _bytes.Consume(HeadLength);
            _bytes.MoveTo(batch, length);
            session.Connection.Unsent.Add(_bytes.Length - before);
            Next();
            isEmpty = _bytes.IsEmpty;
        }
    }

    public bool Stop(Exception error) => Fail(error);

    public bool Fail(Exception error)
    {
        lock (session.Sync)
        {
            _error ??= error;
            session.Connection.Unsent.Add(-_bytes.Length);
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
            session.Connection.CompleteWrites(session);
        }
    }

    // ---- under the session's lock -----------------------------------------------------------------------------------------

    private bool Fits(int length, int prefix, Destination? address)
        => (address is null || (session.Connection.IsFullCone && address.Network == Network.Udp))
            && length <= session.Connection.MaxDatagram
            && length + prefix <= FrameWriter.MaxDataLength
            && (_bytes.IsEmpty ? HasRoomForOne(HeadLength + prefix + length) : _bytes.Length + HeadLength + prefix + length <= session.Connection.SendBuffer);

    /// <summary>One may wait in any session, whatever its size: but very many sessions hold very many.</summary>
    private bool HasRoomForOne(int length) => session.Connection.Unsent.Bytes + length <= session.Connection.Options.MaxBuffered;

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
        session.Connection.Unsent.Add(HeadLength + prefix + data.Length);
        if (isFirst)
        {
            Next();
        }
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
        if (_waitingSince == 0 || session.Connection.Elapsed(_waitingSince) <= MaxWaitForCredit)
        {
            return false;
        }

        long since = _waitingSince;
        _bytes.Consume(HeadLength + _nextLength);
        session.Connection.Unsent.Add(-(HeadLength + _nextLength));
        Dropped++;
        Next();
        if (isLast && !_bytes.IsEmpty)
        {
            _waitingSince = since;
        }

        return true;
    }
}
