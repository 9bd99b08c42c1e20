namespace MuxPro.Core;

/// <summary>
/// Holds lower priorities to a rate while a higher one talks, so that there is processor time left to answer it: on fast links the order of
/// frames alone does not make it quick, because everybody waits for a thread. Slower links never notice. Not thread-safe.
/// </summary>
/// <param name="frequency">Timestamps per second.</param>
internal struct PriorityPace(long frequency)
{
    /// <summary>Bytes per second that all lower priorities may send together meanwhile.</summary>
    public const long BytesPerSecond = 1_250_000_000;

    /// <summary>Bytes that may go in a row.</summary>
    public const int Burst = 1280 * 1024;

    // A priority talks for so long after its last frame.
    private readonly long _memory = frequency / 10;

    private int _highest = byte.MaxValue;
    private long _highestUntil = long.MinValue;
    private long _allowance = Burst;
    private long _counted;

    /// <summary>The lowest priority that may send now.</summary>
    public byte LowestAllowed(long now)
    {
        if (now >= _highestUntil)
        {
            return byte.MaxValue;
        }

        long earned = (long)((Int128)(now - _counted) * BytesPerSecond / frequency);
        if (earned > 0)
        {
            _allowance = Math.Min(Burst, _allowance + earned);
            _counted = now;
        }

        return _allowance > 0 ? byte.MaxValue : (byte)_highest;
    }

    /// <summary>Accounts for payload.</summary>
    public void OnSent(byte priority, int count, long now)
    {
        if (priority <= _highest || now >= _highestUntil)
        {
            if (priority != _highest && now >= _highestUntil)
            {
                _allowance = Burst;
                _counted = now;
            }

            _highest = priority;
            _highestUntil = now + _memory;
        }
        else
        {
            _allowance -= count;
        }
    }
}
