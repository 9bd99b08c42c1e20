namespace MuxPro.Core;

/// <summary>How much the windows of a main connection may still grow together, beyond what the protocol gives each. Thread-safe.</summary>
internal sealed class WindowBudget(long size)
{
    private long _left = size;
    private int _holders;

    /// <summary>Bytes to hand out.</summary>
    public long Size { get; } = size;

    /// <summary>Bytes not handed out.</summary>
    public long Left => Volatile.Read(ref _left);

    /// <summary>What each of those who hold or want a part may hold for all to hold the same.</summary>
    public long Share => Size / Math.Max(1, Volatile.Read(ref _holders));

    /// <summary>Whether more than half is handed out.</summary>
    public bool IsShort => Left < Size / 2;

    /// <summary>One more holds or wants a part.</summary>
    public void Enter() => Interlocked.Increment(ref _holders);

    /// <summary>One less holds or wants a part.</summary>
    public void Leave() => Interlocked.Decrement(ref _holders);

    /// <summary>Takes up to <paramref name="wanted"/> bytes.</summary>
    /// <returns>How many bytes were taken; 0 when the budget is spent.</returns>
    public int Take(int wanted)
    {
        long left = Volatile.Read(ref _left);
        while (true)
        {
            int taken = (int)Math.Min(wanted, left);
            if (taken <= 0)
            {
                return 0;
            }

            long seen = Interlocked.CompareExchange(ref _left, left - taken, left);
            if (seen == left)
            {
                return taken;
            }

            left = seen;
        }
    }

    /// <summary>Gives back what <see cref="Take"/> took.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _left, bytes);
}
