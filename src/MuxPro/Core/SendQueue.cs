using System.Numerics;

namespace MuxPro.Core;

/// <summary>Something that waits for its turn in a <see cref="SendQueue{T}"/>.</summary>
internal interface ISendQueueItem<T>
    where T : class
{
    /// <summary>0 is served first, 255 last.</summary>
    byte Priority { get; }

    /// <summary>The queue's own: the next one in line.</summary>
    T? NextInQueue { get; set; }
}

/// <summary>
/// Decides which sub-connection sends next: the highest priority first, round robin among equals, and every 16th turn to a lower priority,
/// so that nobody starves. Among equals, who comes with little goes ahead of those with much, up to 8 in a row (as in FQ-CoDel, RFC 8290
/// section 4.2: it costs the others next to nothing and spares a short message the wait for all their turns). Not thread-safe; allocates
/// nothing after the first item of a priority.
/// </summary>
internal sealed class SendQueue<T>
    where T : class, ISendQueueItem<T>
{
    /// <summary>One turn in so many goes to a lower priority while a higher one has work.</summary>
    public const int LowerShare = 16;

    /// <summary>So many items with little go ahead of one with much.</summary>
    public const int LittleInARow = 8;

    private readonly Line?[] _lines = new Line?[256];
    private readonly ulong[] _waiting = new ulong[4];
    private int _turn;
    private int _lastLower;

    /// <summary>Items that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Puts an item at the end of its priority's line. It must not be in a queue.</summary>
    /// <param name="item">The item.</param>
    /// <param name="isLittle">It had nothing to send for a while, and has little now.</param>
    public void Enqueue(T item, bool isLittle = false)
    {
        Line line = _lines[item.Priority] ??= new Line();
        _waiting[item.Priority >> 6] |= 1UL << item.Priority;
        (isLittle ? ref line.Little : ref line.Much).Add(item);
        Count++;
    }

    /// <summary>Takes the item whose turn it is.</summary>
    /// <param name="lowest">The lowest priority that has a turn now.</param>
    /// <returns><see langword="null"/> when nothing waits.</returns>
    public T? Dequeue(byte lowest = byte.MaxValue)
    {
        int priority = NextWaiting(0);
        if (priority < 0 || priority > lowest)
        {
            return null;
        }

        if (++_turn >= LowerShare)
        {
            _turn = 0;

            // The lower priorities share their turns in order, else the second would starve the third.
            int lower = NextWaiting(Math.Max(_lastLower, priority) + 1);
            if (lower < 0)
            {
                lower = NextWaiting(priority + 1);
            }

            if (lower >= 0 && lower <= lowest)
            {
                _lastLower = priority = lower;
            }
        }

        Line line = _lines[priority]!;
        T item = line.Take();
        if (line.IsEmpty)
        {
            _waiting[priority >> 6] &= ~(1UL << priority);
        }

        Count--;
        return item;
    }

    private int NextWaiting(int from)
    {
        if (from > 255)
        {
            return -1;
        }

        int word = from >> 6;
        ulong bits = _waiting[word] & (ulong.MaxValue << from);
        while (bits == 0)
        {
            if (++word == _waiting.Length)
            {
                return -1;
            }

            bits = _waiting[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(bits);
    }

    private sealed class Line
    {
        public Chain Much;
        public Chain Little;
        private int _little;

        public bool IsEmpty => Much.Head is null && Little.Head is null;

        public T Take()
        {
            if (Little.Head is not null && (Much.Head is null || _little < LittleInARow))
            {
                _little++;
                return Little.Take();
            }

            _little = 0;
            return Much.Take();
        }
    }

    private struct Chain
    {
        public T? Head;
        private T? _tail;

        public void Add(T item)
        {
            if (Head is null)
            {
                Head = item;
            }
            else
            {
                _tail!.NextInQueue = item;
            }

            _tail = item;
        }

        public T Take()
        {
            T item = Head!;
            Head = item.NextInQueue;
            if (Head is null)
            {
                _tail = null;
            }

            item.NextInQueue = null;
            return item;
        }
    }
}
