namespace MuxPro.Core;

/// <summary>
/// The ids of a main connection (SPEC 6): who holds which, which is next, and which unknown ids were answered already. Pages of 256 ids, so
/// that a small main connection is small and the last id costs what the first did. Not thread-safe.
/// </summary>
internal sealed class SessionTable<T>
    where T : class
{
    private const int PageSize = 256;

    private readonly T?[]?[] _pages = new T?[]?[PageSize];
    private ulong[]? _answered;
    private ushort _lastId;

    /// <summary>Ids in use.</summary>
    public int Count { get; private set; }

    /// <summary>The holder of an id, or <see langword="null"/>.</summary>
    public T? this[ushort id] => _pages[id >> 8]?[id & 0xFF];

    /// <summary>The next id that is free: 1, 2, 3 ... 65535 and over again, passing ids in use (SPEC 6).</summary>
    /// <returns><see langword="false"/> when all 65,535 are in use.</returns>
    public bool TryAllocate(out ushort id)
    {
        id = _lastId;
        if (Count >= ushort.MaxValue)
        {
            return false;
        }

        do
        {
            id++;
        }
        while (id == 0 || this[id] is not null);
        _lastId = id;
        return true;
    }

    /// <summary>Whether an id was handed out after another one, the last time round.</summary>
    public bool IsAfter(ushort id, ushort other) => (ushort)(id - other - 1) < (ushort)(_lastId - other);

    /// <summary>Gives an id to a holder.</summary>
    public void Add(ushort id, T holder)
    {
        (_pages[id >> 8] ??= new T?[PageSize])[id & 0xFF] = holder;
        if (_answered is not null)
        {
            _answered[id >> 6] &= ~(1UL << id);
        }

        Count++;
    }

    /// <summary>Frees an id: both ends have sent End for it (SPEC 6).</summary>
    public void Remove(ushort id)
    {
        _pages[id >> 8]![id & 0xFF] = null;
        Count--;
    }

    /// <summary>Whether an unknown id is to be answered now: once until somebody holds it again (SPEC 6.3.3).</summary>
    public bool TryAnswer(ushort id)
    {
        _answered ??= new ulong[1024];
        ulong bit = 1UL << id;
        if ((_answered[id >> 6] & bit) != 0)
        {
            return false;
        }

        _answered[id >> 6] |= bit;
        return true;
    }

    /// <summary>All holders, in the order of their ids. While they are looked at, any of them may be removed.</summary>
    public Enumerator GetEnumerator() => new(_pages);

    /// <summary>Goes through all holders, and allocates nothing.</summary>
    public struct Enumerator(T?[]?[] pages)
    {
        private int _id = -1;

        /// <summary>The holder that <see cref="MoveNext"/> found.</summary>
        public T Current { get; private set; } = null!;

        /// <summary>Moves on to the next holder.</summary>
        public bool MoveNext()
        {
            while (++_id <= ushort.MaxValue)
            {
                if (pages[_id / PageSize] is not { } page)
                {
                    _id |= PageSize - 1;
                }
                else if (page[_id % PageSize] is { } holder)
                {
                    Current = holder;
                    return true;
                }
            }

            return false;
        }
    }
}
