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
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return new RelayRun(first, second).RunAsync(cancellationToken);
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
