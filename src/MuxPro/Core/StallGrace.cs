namespace MuxPro.Core;

/// <summary>
/// How long a sub-connection may hold up its neighbours. Who reads gets it back whole: with each share of its buffer that its application
/// takes; a tenth of the time that passes comes back to everybody. Not thread-safe.
/// </summary>
internal struct StallGrace
{
    private const int TenthOfTime = 10;

    private long _most;
    private long _at;
    private long _taken;

    /// <summary>Bytes that were received for the application since the start.</summary>
    public long Received { get; set; }

    /// <summary>How much is left, in timestamps.</summary>
    public long Left { get; private set; }

    public readonly bool IsSpent => Left <= 0;

    /// <summary>Adds what has come back with time.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="most">The whole grace.</param>
    public void Refill(long now, long most)
    {
        Left = _most == 0 ? most : Math.Min(most, Left + ((now - _at) / TenthOfTime));
        (_most, _at) = (most, now);
    }

    /// <summary>Gives it back whole to a reader that has taken enough.</summary>
    /// <param name="taken">Bytes that the application has taken since the start.</param>
    /// <param name="share">How many it has to take for that.</param>
    public void Renew(long taken, long share)
    {
        if (taken - _taken >= share)
        {
            (Left, _taken) = (_most, taken);
        }
    }

    /// <summary>Takes time that the neighbours waited.</summary>
    public void Spend(long time, long now)
    {
        Left -= time;
        _at = now;
    }
}
