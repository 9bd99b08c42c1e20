namespace MuxPro;

/// <summary>When a main connection is worn out.</summary>
/// <param name="Sessions">Sub-connections in its life.</param>
/// <param name="Bytes">Bytes in both directions.</param>
/// <param name="Age">Timestamps since its start.</param>
/// <param name="Idle">Timestamps without a sub-connection, where it is not the spare one of its pool.</param>
internal readonly record struct WearLimits(long Sessions, long Bytes, long Age, long Idle)
{
    /// <summary>No limit.</summary>
    public const long None = long.MaxValue;

    /// <summary>The limits of one worker: 90 to 100 % of age and bytes, so that those that were made together do not go together.</summary>
    /// <param name="strategy">What is configured.</param>
    /// <param name="ticksPerSecond">Timestamps per second.</param>
    /// <param name="random">0 to 1: where between 90 and 100 %.</param>
    public static WearLimits Draw(ClientStrategy strategy, long ticksPerSecond, double random)
    {
        double share = 0.9 + (0.1 * random);
        return new WearLimits(
            strategy.MaxConnection == 0 ? None : strategy.MaxConnection,
            strategy.MaxBytes == 0 ? None : Math.Max(1, (long)(strategy.MaxBytes * share)),
            strategy.MaxAge == Timeout.InfiniteTimeSpan ? None : (long)(strategy.MaxAge.TotalSeconds * ticksPerSecond * share),
            strategy.MaxIdle == Timeout.InfiniteTimeSpan ? None : (long)(strategy.MaxIdle.TotalSeconds * ticksPerSecond));
    }
}
