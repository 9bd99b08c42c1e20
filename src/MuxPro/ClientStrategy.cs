namespace MuxPro;

/// <summary>How a client spreads sub-connections over main connections. Immutable: change a copy with <c>with</c>.</summary>
/// <remarks>
/// A main connection that has reached <see cref="MaxConnection"/>, <see cref="MaxAge"/> or <see cref="MaxBytes"/> is worn out: it takes no new
/// sub-connection, finishes those that are open, and closes.
/// </remarks>
public sealed record ClientStrategy
{
    internal static ClientStrategy Default { get; } = new();

    /// <summary>Most sub-connections open at once on one main connection.</summary>
    /// <value>The default value is 8; 1 to 65,535. A server that takes fewer is asked for no more.</value>
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

    /// <summary>
    /// Most flows of datagrams open at once on one main connection, on main connections that carry nothing else: those of
    /// <see cref="MuxClient.Connect"/>.
    /// </summary>
    /// <value>The default value is 0: they share main connections with streams, and their limit. Up to 65,535.</value>
    public int DatagramConcurrency
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(DatagramConcurrency));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ushort.MaxValue, nameof(DatagramConcurrency));
            field = value;
        }
    }

    /// <summary>How many sub-connections a main connection carries in its life.</summary>
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

    /// <summary>How old a main connection gets. Each has its own limit, 90 to 100 % of this, so that those that were made together do not go together.</summary>
    /// <value>The default value is <see cref="Timeout.InfiniteTimeSpan"/>: no limit.</value>
    public TimeSpan MaxAge
    {
        get;
        init
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(MaxAge));
            }

            field = value;
        }
    } = Timeout.InfiniteTimeSpan;

    /// <summary>How many bytes a main connection moves, both directions together, frames and all. Each has its own limit, 90 to 100 % of this.</summary>
    /// <value>The default value is 0: no limit.</value>
    public long MaxBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(MaxBytes));
            field = value;
        }
    }
}
