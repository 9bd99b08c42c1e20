namespace MuxPro.Core;

/// <summary>
/// How often the other end may make us do something that costs us and not it: a rate per second, with a burst of ten seconds' worth. Not
/// thread-safe.
/// </summary>
/// <param name="perSecond">Units per second.</param>
/// <param name="ticksPerSecond">Timestamps per second.</param>
/// <param name="now">A timestamp.</param>
internal struct Budget(int perSecond, long ticksPerSecond, long now)
{
    private const int BurstSeconds = 10;

    private readonly long _burst = (long)perSecond * BurstSeconds;
    private long _left = (long)perSecond * BurstSeconds;
    private long _refilled = now;

    /// <summary>Spends one unit.</summary>
    /// <returns><see langword="false"/> when the budget is spent.</returns>
    public bool TrySpend(long now)
    {
        Refill(now);
        if (_left == 0)
        {
            return false;
        }

        _left--;
        return true;
    }

    private void Refill(long now)
    {
        long elapsed = now - _refilled;
        if (_left == _burst || elapsed >= BurstSeconds * ticksPerSecond)
        {
            _left = _burst;
            _refilled = now;
            return;
        }

        long units = (long)((double)elapsed / ticksPerSecond * perSecond);
        if (units > 0)
        {
            // What is short of a unit counts for the next one.
            _left = Math.Min(_burst, _left + units);
            _refilled += (long)((double)units / perSecond * ticksPerSecond);
        }
    }
}
