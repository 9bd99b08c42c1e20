using System.Buffers;

namespace MuxPro.Buffers;

/// <summary>
/// The bytes of one direction of a session, between the transport and the application: a list of stretches of slabs, so that nothing is
/// copied that is large. Holds no memory while it is empty. Not thread-safe.
/// </summary>
internal struct SlabQueue
{
    /// <summary>Below this a copy costs less than the slab it would pin.</summary>
    public const int CopyBelow = 2 * 1024;

    // While bytes wait unread, larger frames are copied too: else a reader that stopped could pin a slab of 64 KiB for each 2 KiB.
    private const int CopyBelowWhenWaiting = 16 * 1024;

    /// <summary>From this on a frame is worth its turn, and need not go on into the next slab.</summary>
    public const int LargeFrame = 16 * 1024;

    private SlabSegment? _head;
    private SlabSegment? _tail;
    private int _headConsumed;
    private Slab? _copySlab;
    private int _copyEnd;

    /// <summary>Bytes in the queue.</summary>
    public long Length { get; private set; }

    public readonly bool IsEmpty => Length == 0;

    /// <summary>The bytes, in order. Valid until they are consumed.</summary>
    public readonly ReadOnlySequence<byte> Bytes
        => _head is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_head, _headConsumed, _tail!, _tail!.Length);

    /// <summary>
    /// Which size of slab goes well with what waits already: small first, so that many idle sessions with a few bytes stay small.
    /// </summary>
    public static int SlabSizeFor(long waiting, int wanted) => Math.Max(
        wanted,
        waiting switch
        {
            0 => Slab.Small,
            < Slab.Medium => Slab.Medium,
            _ => Slab.Large,
        });

    /// <summary>Adds a stretch of a slab that was received: by reference when it is large, as a copy when it is small.</summary>
    public void AppendReceived(Slab slab, int start, int count)
    {
        if (count >= (IsEmpty ? CopyBelow : CopyBelowWhenWaiting))
        {
            AppendReference(slab, start, count);
        }
        else
        {
            AppendCopy(slab.Array.AsSpan(start, count));
        }
    }

    /// <summary>Adds a copy of some bytes.</summary>
    public void AppendCopy(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_copySlab is null || _copyEnd == _copySlab.Array.Length)
            {
                _copySlab?.Release();
                _copySlab = Slab.Rent(SlabSizeFor(Length, Math.Min(bytes.Length, Slab.Medium)));
                _copyEnd = 0;
            }

            int copied = Math.Min(bytes.Length, _copySlab.Array.Length - _copyEnd);
            bytes[..copied].CopyTo(_copySlab.Array.AsSpan(_copyEnd));
            AppendReference(_copySlab, _copyEnd, copied);
            _copyEnd += copied;
            bytes = bytes[copied..];
        }
    }

    /// <summary>Adds a stretch of a slab by reference.</summary>
    public void AppendReference(Slab slab, int start, int count)
    {
        if (_tail is not null && _tail.IsContinuedBy(slab, start))
        {
            _tail.Extend(count);
        }
        else if (_tail is null)
        {
            _head = _tail = SlabSegment.Create(slab, start, count, 0);
        }
        else
        {
            var segment = SlabSegment.Create(slab, start, count, _tail.RunningIndex + _tail.Length);
            _tail.Append(segment);
            _tail = segment;
        }

        Length += count;
    }

    /// <summary>How many bytes lie before a position of <see cref="Bytes"/>.</summary>
    public readonly long LengthTo(SequencePosition position)
        => position.GetObject() is SlabSegment segment && _head is not null
            ? segment.RunningIndex + position.GetInteger() - (_head.RunningIndex + _headConsumed)
            : 0;

    /// <summary>Drops bytes from the front.</summary>
    public void Consume(long count)
    {
        Length -= count;
        while (count > 0)
        {
            SlabSegment head = _head!;
            int left = head.Length - _headConsumed;
            if (count < left)
            {
                _headConsumed += (int)count;
                return;
            }

            count -= left;
            DropHead();
        }

        if (_head is null)
        {
            _copySlab?.Release();
            _copySlab = null;
        }
    }

    /// <summary>Copies bytes out of the front and drops them.</summary>
    /// <returns>How many bytes were copied.</returns>
    public int Read(Span<byte> destination)
    {
        int read = 0;
        while (read < destination.Length && _head is not null)
        {
            ReadOnlySpan<byte> first = _head.Memory.Span[_headConsumed..];
            int count = Math.Min(first.Length, destination.Length - read);
            first[..count].CopyTo(destination[read..]);
            read += count;
            Consume(count);
        }

        return read;
    }

    /// <summary>Copies bytes of the front and leaves them; there must be as many.</summary>
    public readonly void Peek(Span<byte> destination) => Bytes.Slice(0, destination.Length).CopyTo(destination);

    /// <summary>
    /// How many bytes of the front go well into one frame of at most <paramref name="most"/>: large frames end where a slab does.
    /// </summary>
    public readonly int FrameLength(int most)
    {
        long length = 0;
        int skipped = _headConsumed;
        for (SlabSegment? segment = _head; segment is not null && length < LargeFrame; segment = segment.NextSegment)
        {
            length += segment.Length - skipped;
            skipped = 0;
        }

        return (int)Math.Min(most, length);
    }

    /// <summary>Moves bytes from the front into a batch that is about to be sent.</summary>
    public void MoveTo(SendBatch batch, int count)
    {
        while (count > 0)
        {
            int taken = Math.Min(count, _head!.Length - _headConsumed);
            batch.AddPayload(_head.Slab, _head.Start + _headConsumed, taken);
            Consume(taken);
            count -= taken;
        }
    }

    /// <summary>Drops everything.</summary>
    public void Clear() => Consume(Length);

    /// <summary>Drops everything while somebody may still look at <see cref="Bytes"/>.</summary>
    public void Abandon()
    {
        for (SlabSegment? segment = _head; segment is not null; segment = segment.NextSegment)
        {
            segment.Abandon();
        }

        _copySlab?.Abandon();
        _copySlab?.Release();
        this = default;
    }

    private void DropHead()
    {
        SlabSegment head = _head!;
        _head = head.NextSegment;
        _headConsumed = 0;
        if (_head is null)
        {
            _tail = null;
        }

        head.Release();
    }
}
