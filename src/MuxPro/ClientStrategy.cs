namespace MuxPro;

/// <summary>How a client spreads sub-connections over main connections.</summary>
public sealed record ClientStrategy
{
    /// <summary>Most sub-connections open at once on one main connection.</summary>
    /// <value>The default value is 8; 1 to 65,535.</value>
    public int MaxConcurrency
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaxConcurrency));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ushort.MaxValue, nameof(MaxConcurrency));
            field = value;
        }
    } = 8;

    /// <summary>How many sub-connections a main connection carries in its life. Then it takes no new one, finishes those that are open, and closes.</summary>
    /// <value>The default value is 128; 0 means no limit.</value>
    public int MaxConnection
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(MaxConnection));
            field = value;
        }
    } = 128;
}
