namespace MuxPro.Core;

/// <summary>How long a sub-connection may hold up its neighbours: a tenth of the time that passes comes back to it. Not thread-safe.</summary>
internal struct StallGrace
{
    private const int Share = 10;

    private long _most;
    private long _at;

    /// <summary>How much is left, in timestamps.</summary>
    public long Left { get; private set; }

    public readonly bool IsSpent => Left <= 0;

    /// <summary>Adds what has come back.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="most">The whole grace.</param>
    public void Refill(long now, long most)
    {
        Left = _most == 0 ? most : Math.Min(most, Left + ((now - _at) / Share));
        (_most, _at) = (most, now);
    }

    /// <summary>Takes time that the neighbours waited.</summary>
    public void Spend(long time, long now)
    {
        Left -= time;
        _at = now;
    }
}
