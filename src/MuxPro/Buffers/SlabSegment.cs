using System.Buffers;
using System.Diagnostics;

namespace MuxPro.Buffers;

/// <summary>A stretch of a slab, in a list of stretches. Holds a reference on the slab. Pooled.</summary>
internal sealed class SlabSegment : ReadOnlySequenceSegment<byte>
{
    private const int MaxRetained = 4096;

    private static readonly Stack<SlabSegment> Pool = new();
    private static readonly Lock PoolGate = new();

    private Slab? _slab;
    private int _start;

    private SlabSegment()
    {
    }

    public Slab Slab => _slab!;

    /// <summary>Where in the slab the stretch starts.</summary>
    public int Start => _start;

    public int Length => Memory.Length;

    public SlabSegment? NextSegment => (SlabSegment?)Next;

    /// <summary>Makes a segment; takes its own reference on the slab.</summary>
    public static SlabSegment Create(Slab slab, int start, int length, long runningIndex)
    {
        SlabSegment? segment;
        lock (PoolGate)
        {
            _ = Pool.TryPop(out segment);
        }

        segment ??= new SlabSegment();
        slab.AddReference();
        segment._slab = slab;
        segment._start = start;
        segment.Memory = slab.Array.AsMemory(start, length);
        segment.RunningIndex = runningIndex;
        return segment;
    }

    /// <summary>Whether bytes at this place of this slab would continue the stretch.</summary>
    public bool IsContinuedBy(Slab slab, int start) => _slab == slab && _start + Memory.Length == start;

    /// <summary>Makes the stretch longer.</summary>
    public void Extend(int count) => Memory = _slab!.Array.AsMemory(_start, Memory.Length + count);

    public void Append(SlabSegment next) => Next = next;

    /// <summary>Gives the reference back, and leaves slab and segment to whoever may still look at them.</summary>
    public void Abandon()
    {
        _slab!.Abandon();
        _slab.Release();
    }

    /// <summary>Gives the reference and the segment back.</summary>
    public void Release()
    {
        Debug.Assert(_slab is not null, "A segment was released twice.");
        _slab!.Release();
        _slab = null;
        Memory = default;
        Next = null;
        RunningIndex = 0;
        lock (PoolGate)
        {
            if (Pool.Count < MaxRetained)
            {
                Pool.Push(this);
            }
        }
    }
}
