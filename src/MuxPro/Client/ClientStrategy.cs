using static MuxPro.OptionRules;

namespace MuxPro;

/// <summary>How a client spreads sub-connections over main connections. Immutable: change a copy with <c>with</c>.</summary>
/// <remarks>
/// A main connection that has reached <see cref="MaxConnection"/>, <see cref="MaxAge"/> or <see cref="MaxBytes"/> is worn out: it takes no
/// new sub-connection, finishes those that are open, and closes.
/// </remarks>
public sealed record ClientStrategy
{
    internal static ClientStrategy Default { get; } = new();

    // SPEC 9: no peer of Mux.Cool's expects more, and ids are not used again there.
    private const int MostOfMuxCool = 128;

    /// <summary>The strategy as far as a protocol allows.</summary>
    internal ClientStrategy For(MuxProtocols protocol)
        => protocol == MuxProtocols.MuxCool && MaxConnection is (0 or > MostOfMuxCool) ? this with { MaxConnection = MostOfMuxCool } : this;

    /// <summary>Most sub-connections open at once on one main connection.</summary>
    /// <value>The default value is 8; 1 to 65,535. A server that takes fewer is asked for no more.</value>
    public int MaxConcurrency { get; init => field = InRange(1, ushort.MaxValue, value); } = 8;

    /// <summary>
    /// Most flows of datagrams open at once on one main connection, on main connections that carry nothing else: those of
    /// <see cref="MuxClient.Connect"/>.
    /// </summary>
    /// <value>The default value is 0: they share main connections with streams, and their limit. Up to 65,535.</value>
    public int DatagramConcurrency { get; init => field = InRange(0, ushort.MaxValue, value); }

    /// <summary>How many sub-connections a main connection carries in its life.</summary>
    /// <value>The default value is 128; 0 means no limit.</value>
    public int MaxConnection { get; init => field = NotNegative(value); } = 128;

    /// <summary>
    /// How old a main connection gets. Each has its own limit, 90 to 100 % of this, so that those that were made together do not go
    /// together.
    /// </summary>
    /// <value>The default value is <see cref="Timeout.InfiniteTimeSpan"/>: no limit.</value>
    public TimeSpan MaxAge { get; init => field = PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long a main connection of a pool may idle: nothing is open on it. Then it closes, but for one idle main connection, which the
    /// pool keeps as a spare for what comes next.
    /// </summary>
    /// <value>The default value is one minute; <see cref="Timeout.InfiniteTimeSpan"/> keeps all.</value>
    public TimeSpan MaxIdle { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How many bytes a main connection moves, both directions together, frames and all. Each has its own limit, 90 to 100 % of this.
    /// </summary>
    /// <value>The default value is 0: no limit.</value>
    public long MaxBytes { get; init => field = NotNegative(value); }
}
