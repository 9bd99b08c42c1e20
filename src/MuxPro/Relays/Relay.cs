using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>Joins two links: what one end sends, the other gets.</summary>
public static class Relay
{
    /// <summary>Copies two links into each other until both directions have ended, then disposes both.</summary>
    /// <remarks>
    /// An end of stream in one direction completes the other link's output, and the other direction goes on: half-close travels.
    /// A failure of either link, or a cancellation, ends everything at once: both links are aborted with it as the reason, so a reset
    /// travels too. A link whose reader is gone gets no more: that is reported as its failure, the link that feeds it is not read any more,
    /// and the other direction may still finish what it has to say before both are disposed. A socket that takes no more is read to its end
    /// before that: what its other end said before it closed arrives. While nothing arrives from a stream or a socket, no buffer is held
    /// for it.
    /// </remarks>
    /// <param name="first">One link; owned by the relay from now on.</param>
    /// <param name="second">The other link; owned by the relay from now on.</param>
    /// <param name="cancellationToken">Aborts both links.</param>
    /// <returns>How many bytes went which way and what went wrong, if anything did. The task does not fail.</returns>
    public static Task<RelayResult> RunAsync(Link first, Link second, CancellationToken cancellationToken = default)
        => RunAsync(first, second, Timeout.InfiniteTimeSpan, null, cancellationToken);

    /// <summary>The same, with a limit for what is half closed.</summary>
    /// <remarks>
    /// When one side has ended and its socket is found to be lost (TCP keep-alive finds that out), or the other side is silent for too
    /// long, both links end in order: what was said before still arrives.
    /// </remarks>
    /// <param name="first">One link; owned by the relay from now on.</param>
    /// <param name="second">The other link; owned by the relay from now on.</param>
    /// <param name="halfCloseTimeout">
    /// How long one side may be silent when the other has ended; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.
    /// </param>
    /// <param name="timeProvider">The clock; the default is <see cref="TimeProvider.System"/>.</param>
    /// <param name="cancellationToken">Aborts both links.</param>
    /// <returns>How many bytes went which way and what went wrong, if anything did. The task does not fail.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="halfCloseTimeout"/> is not positive.</exception>
    public static Task<RelayResult> RunAsync(
        Link first,
        Link second,
        TimeSpan halfCloseTimeout,
        TimeProvider? timeProvider,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        _ = OptionRules.PositiveOrInfinite(halfCloseTimeout, nameof(halfCloseTimeout));
        TimeProvider time = GuardedTime.Over(timeProvider ?? TimeProvider.System);
        return new RelayRun(first, second, halfCloseTimeout, time).RunAsync(cancellationToken);
    }
}

/// <summary>What a relay did.</summary>
/// <param name="BytesForward">Bytes that the second link took from the first.</param>
/// <param name="BytesBackward">Bytes that the first link took from the second.</param>
/// <param name="Error">
/// The first failure, an <see cref="OperationCanceledException"/> after a cancellation, or <see langword="null"/>.
/// </param>
/// <param name="FailedSide">The link that failed, or <see langword="null"/> when none did or the relay was cancelled.</param>
public readonly record struct RelayResult(long BytesForward, long BytesBackward, Exception? Error, RelaySide? FailedSide);

/// <summary>One of the two links of a relay.</summary>
public enum RelaySide
{
    /// <summary>The first link.</summary>
    First,

    /// <summary>The second link.</summary>
    Second,
}
