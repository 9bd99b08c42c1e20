using System.Buffers;

namespace MuxPro.Connection;

/// <summary>
/// Frames that go to the transport in one piece: heads and small payloads in a buffer of the batch's own, large payloads by reference to their
/// slabs. One batch per main connection, used again and again.
/// </summary>
internal sealed class SendBatch : IBufferWriter<byte>
{
    /// <summary>Bytes per batch: one wake-up and one system call each; measured to be where throughput stops growing.</summary>
    public const int MaxBytes = 256 * 1024;

    // Room that a frame's head and a payload that is copied always find.
    private const int Reserve = 1024 + SlabQueue.CopyBelow;

    private readonly List<ArraySegment<byte>> _pieces = [];
    private readonly List<Slab> _slabs = [];
    private Slab _own = Slab.Rent(Slab.Large);
    private int _ownStart;
    private int _ownEnd;

    /// <summary>Bytes in the batch.</summary>
    public int Length { get; private set; }

    public bool IsEmpty => Length == 0;

    /// <summary>Whether another frame of up to a number of payload bytes fits.</summary>
    public bool HasRoom => Length < MaxBytes && _own.Array.Length - _ownEnd >= Reserve;

    /// <summary>What to send, in order.</summary>
    public List<ArraySegment<byte>> Pieces
    {
        get
        {
            SealOwn();
            return _pieces;
        }
    }

    public void Advance(int count)
    {
        _ownEnd += count;
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _own.Array.AsMemory(_ownEnd);

    public Span<byte> GetSpan(int sizeHint = 0) => _own.Array.AsSpan(_ownEnd);

    /// <summary>Adds payload behind the head that was written last.</summary>
    public void AddPayload(Slab slab, int start, int count)
    {
        if (count < SlabQueue.CopyBelow && _own.Array.Length - _ownEnd > count + Reserve - SlabQueue.CopyBelow)
        {
            slab.Array.AsSpan(start, count).CopyTo(_own.Array.AsSpan(_ownEnd));
            Advance(count);
            return;
        }

        SealOwn();
        slab.AddReference();
        _slabs.Add(slab);
        _pieces.Add(new ArraySegment<byte>(slab.Array, start, count));
        Length += count;
    }

    /// <summary>Copies the whole batch.</summary>
    public void CopyTo(Span<byte> destination)
    {
        foreach (ArraySegment<byte> piece in Pieces)
        {
            piece.AsSpan().CopyTo(destination);
            destination = destination[piece.Count..];
        }
    }

    /// <summary>Empties the batch: it was sent, or never will be.</summary>
    public void Clear()
    {
        foreach (Slab slab in _slabs)
        {
            slab.Release();
        }

        _slabs.Clear();
        _pieces.Clear();
        _ownStart = _ownEnd = Length = 0;
    }

    /// <summary>Gives the batch's own buffer back; the batch is of no use afterwards.</summary>
    public void Close()
    {
        Clear();
        _own.Release();
        _own = null!;
    }

    private void SealOwn()
    {
        if (_ownEnd > _ownStart)
        {
            _pieces.Add(new ArraySegment<byte>(_own.Array, _ownStart, _ownEnd - _ownStart));
            _ownStart = _ownEnd;
        }
    }
}
