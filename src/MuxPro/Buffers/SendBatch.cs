using System.Buffers;

namespace MuxPro.Buffers;

/// <summary>
/// Frames that go to the transport in one piece: heads and small payloads in slabs of the batch's own, large payloads by reference to
/// theirs. One batch per main connection, used again and again; it holds nothing while it is empty.
/// </summary>
internal sealed class SendBatch : IBufferWriter<byte>
{
    /// <summary>Bytes per batch: one wake-up and one system call each; measured to be where throughput stops growing.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Pieces per gathered send: with more the platform allocates for each send.</summary>
    public const int MaxPieces = 8;

    // A frame adds what was copied before it, its head and the end of one slab; one that is made of many small writes adds more.
    private const int PiecesPerFrame = 3;

    // Up to this a copy costs less than a piece of its own.
    private const int CopyUpTo = 8 * 1024;

    private readonly List<ArraySegment<byte>> _pieces = [];
    private readonly List<Slab> _slabs = [];
    private readonly List<(ILender Owner, ReadOnlyMemory<byte> Bytes, Slab Slab, int Start)> _borrowed = [];
    private Slab? _own;
    private int _ownStart;
    private int _ownEnd;
    private int _headLength; // of what was written last, while it may still move to its payload

    /// <summary>Bytes in the batch.</summary>
    public int Length { get; private set; }

    public bool IsEmpty => Length == 0;

    /// <summary>Whether another frame fits.</summary>
    public bool HasRoom => Length < MaxBytes && _pieces.Count <= MaxPieces - PiecesPerFrame;

    /// <summary>What to send, in order.</summary>
    public List<ArraySegment<byte>> Pieces
    {
        get
        {
            SealOwn();
            return _pieces;
        }
    }

    private int OwnRoom => _own is null ? 0 : _own.Array.Length - _ownEnd;

    public void Advance(int count)
    {
        _ownEnd += count;
        Length += count;
        _headLength = count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (OwnRoom < Math.Max(sizeHint, 1))
        {
            RenewOwn(sizeHint);
        }

        return _own!.Array.AsMemory(_ownEnd);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Adds payload behind the head that was written last.</summary>
    public void AddPayload(Slab slab, int start, int count)
    {
        if (count <= CopyUpTo)
        {
            slab.Array.AsSpan(start, count).CopyTo(GetSpan(count));
            Advance(count);
            _headLength = 0;
            return;
        }

        if (_headLength > 0 && _headLength <= start && !_slabs.Contains(slab))
        {
            // One piece less: the head goes right before its payload, over what was sent in an earlier batch or never was used.
            _ownEnd -= _headLength;
            start -= _headLength;
            count += _headLength;
            Length -= _headLength;
            _own!.Array.AsSpan(_ownEnd, _headLength).CopyTo(slab.Array.AsSpan(start));
        }

        _headLength = 0;
        SealOwn();
        slab.AddReference();
        _slabs.Add(slab);
        _pieces.Add(new ArraySegment<byte>(slab.Array, start, count));
        Length += count;
    }

    /// <summary>Adds payload that lies in an application's own memory until <see cref="CopyBorrowed"/>.</summary>
    public void Borrow(ILender owner, ReadOnlyMemory<byte> bytes)
    {
        _headLength = 0;
        while (!bytes.IsEmpty)
        {
            if (OwnRoom == 0)
            {
                RenewOwn(1);
            }

            int count = Math.Min(bytes.Length, OwnRoom);
            _borrowed.Add((owner, bytes[..count], _own!, _ownEnd));
            _ownEnd += count;
            Length += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Copies what was borrowed and tells its owners. Call it without a lock.</summary>
    public void CopyBorrowed()
    {
        foreach ((_, ReadOnlyMemory<byte> bytes, Slab slab, int start) in _borrowed)
        {
            bytes.Span.CopyTo(slab.Array.AsSpan(start));
        }

        foreach ((ILender owner, _, _, _) in _borrowed)
        {
            owner.GiveBack();
        }

        _borrowed.Clear();
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
        _own = null;
        _ownStart = _ownEnd = _headLength = Length = 0;
    }

    private void RenewOwn(int size)
    {
        SealOwn();
        _own = Slab.Rent(Math.Max(size, Slab.Large));
        _slabs.Add(_own);
        _ownStart = _ownEnd = 0;
    }

    private void SealOwn()
    {
        if (_ownEnd > _ownStart)
        {
            _pieces.Add(new ArraySegment<byte>(_own!.Array, _ownStart, _ownEnd - _ownStart));
            _ownStart = _ownEnd;
        }
    }
}
