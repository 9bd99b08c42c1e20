namespace MuxPro.Core;

/// <summary>Times in the unit that a clock counts in, as those who decide by them take them.</summary>
internal static class Timestamps
{
    /// <summary>A limit that no time reaches.</summary>
    public const long Never = -1;

    /// <summary>A time in timestamps; <see cref="Never"/> for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    /// <param name="time">The time.</param>
    /// <param name="frequency">Timestamps in a second (<see cref="TimeProvider.TimestampFrequency"/>).</param>
    public static long From(TimeSpan time, long frequency)
        => time == Timeout.InfiniteTimeSpan ? Never : (long)(time.TotalSeconds * frequency);

    /// <summary>Whether a time has reached its limit.</summary>
    public static bool IsOver(long elapsed, long limit) => limit >= 0 && elapsed >= limit;
}
