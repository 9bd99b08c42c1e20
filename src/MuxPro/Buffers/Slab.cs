using System.Diagnostics;

namespace MuxPro.Buffers;

/// <summary>
/// A pooled block of bytes, shared by reference count: what the transport received into it is handed to sessions without a copy, and what
/// an application wrote into it is sent from it.
/// </summary>
internal sealed class Slab
{
    /// <summary>For a first small write or a small frame that must not pin a large slab.</summary>
    public const int Small = 1024;

    /// <summary>For what follows a small slab.</summary>
    public const int Medium = 4 * 1024;

    /// <summary>For bulk data and for receiving.</summary>
    public const int Large = 64 * 1024;

    /// <summary>Left free in front of what an application writes, for the head of the frame that it will be the payload of.</summary>
    public const int Headroom = 8;

    /// <summary>What an application's bytes have of a large slab.</summary>
    public const int LargePayload = Large - Headroom;

    private static readonly SlabPool SmallPool = new(Small, maxRetained: 4096);
    private static readonly SlabPool MediumPool = new(Medium, maxRetained: 4096);
    private static readonly SlabPool LargePool = new(Large, maxRetained: 1024);
    private static long RentedCount;

    private readonly SlabPool? _pool;
    private int _references;
    private volatile bool _isAbandoned;

    private Slab(int size, SlabPool? pool)
    {
        // Uninitialised: every byte is written before it is read. Pinned: slabs live long and are in the kernel's hands all the time, and
        // pinning each for each system call costs more.
        Array = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        _pool = pool;
    }

    /// <summary>The bytes.</summary>
    public byte[] Array { get; }

    /// <summary>Slabs that somebody holds, in this process: what the tests for leaks count.</summary>
    public static long Rented => Volatile.Read(ref RentedCount);

    /// <summary>Whether somebody besides the caller holds the slab, or may still look at it: its bytes must stay what they are.</summary>
    public bool IsShared => Volatile.Read(ref _references) > 1 || _isAbandoned;

    /// <summary>Takes a slab of at least a size; the caller holds the only reference.</summary>
    public static Slab Rent(int size)
    {
        SlabPool? pool = size switch
        {
            <= Small => SmallPool,
            <= Medium => MediumPool,
            <= Large => LargePool,
            _ => null,
        };
        Slab slab = pool?.TryTake() ?? new Slab(pool?.Size ?? size, pool);
        Debug.Assert(slab._references == 0, "A slab in the pool has no references.");
        slab._references = 1;
        Interlocked.Increment(ref RentedCount);
        return slab;
    }

    /// <summary>One more holder.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>
    /// Never to be used again: somebody may still look at it, or write into it, without holding a reference. In another session's hands
    /// that would be another's data.
    /// </summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>One holder less; the last one's release gives the slab back.</summary>
    public void Release()
    {
        int references = Interlocked.Decrement(ref _references);
        Debug.Assert(references >= 0, "A slab was released twice.");
        if (references == 0)
        {
            Interlocked.Decrement(ref RentedCount);
            if (!_isAbandoned)
            {
                _pool?.Return(this);
            }
        }
    }

    private sealed class SlabPool(int size, int maxRetained)
    {
        private readonly Stack<Slab> _slabs = new();
        private readonly Lock _gate = new();

        public int Size => size;

        public Slab? TryTake()
        {
            lock (_gate)
            {
                return _slabs.TryPop(out Slab? slab) ? slab : null;
            }
        }

        public void Return(Slab slab)
        {
            lock (_gate)
            {
                if (_slabs.Count < maxRetained)
                {
                    _slabs.Push(slab);
                }
            }
        }
    }
}
