namespace MuxPro;

/// <summary>Joins two flows of datagrams: what one end sends, the other gets, with its address.</summary>
public static class DatagramRelay
{
    /// <summary>
    /// Copies two flows into each other until one is done or fails, nothing comes any more, or it is cancelled; then disposes both.
    /// </summary>
    /// <remarks>
    /// A failure of either flow, or a cancellation, aborts both with it as the reason. A datagram that finds no room is counted by the flow
    /// that drops it.
    /// </remarks>
    /// <param name="first">One flow; owned by the relay from now on.</param>
    /// <param name="second">The other flow; owned by the relay from now on.</param>
    /// <param name="idleTimeout">How long neither may receive anything; <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</param>
    /// <param name="timeProvider">The clock; the default is <see cref="TimeProvider.System"/>.</param>
    /// <param name="cancellationToken">Aborts both flows.</param>
    /// <returns>What went which way, and why it ended. The task does not fail.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="idleTimeout"/> is not positive.</exception>
    public static async Task<DatagramRelayResult> RunAsync(
        DatagramLink first,
        DatagramLink second,
        TimeSpan idleTimeout,
        TimeProvider? timeProvider = null,
        CancellationToken cancellationToken = default)
    {
        DatagramRelayResult result = await CopyAsync(first, second, idleTimeout, timeProvider ?? TimeProvider.System, cancellationToken)
            .ConfigureAwait(false);
        await EndAsync(first, result).ConfigureAwait(false);
        await EndAsync(second, result).ConfigureAwait(false);
        return result;
    }

    /// <summary>The same, without an end for the two flows: they are the caller's again.</summary>
    internal static Task<DatagramRelayResult> CopyAsync(
        DatagramLink first, DatagramLink second, TimeSpan idleTimeout, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        _ = OptionRules.PositiveOrInfinite(idleTimeout, nameof(idleTimeout));
        return new DatagramRelayRun(first, second, idleTimeout, timeProvider).RunAsync(cancellationToken);
    }

    /// <summary>Ends a flow as its relay ended.</summary>
    internal static async ValueTask EndAsync(DatagramLink link, DatagramRelayResult result)
    {
        try
        {
            if (result.Error is { } error)
            {
                // A cancellation is this end's own: to the other end it is a failure.
                link.Abort(error is OperationCanceledException
                    ? new SessionException(ErrorCode.RemoteDisconnect, "The relay was cancelled.", error)
                    : error);
            }

            await link.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // A flow that cannot even be closed is closed for us; why the relay ended is known already.
        }
    }
}

/// <summary>What a relay of datagrams did.</summary>
/// <param name="DatagramsForward">Datagrams that the second flow took from the first.</param>
/// <param name="BytesForward">Their bytes.</param>
/// <param name="DatagramsBackward">Datagrams that the first flow took from the second.</param>
/// <param name="BytesBackward">Their bytes.</param>
/// <param name="End">Why it ended.</param>
/// <param name="Side">The flow that was done or failed, or <see langword="null"/> when neither was the cause.</param>
/// <param name="Error">The failure, an <see cref="OperationCanceledException"/> after a cancellation, or <see langword="null"/>.</param>
public readonly record struct DatagramRelayResult(
    long DatagramsForward,
    long BytesForward,
    long DatagramsBackward,
    long BytesBackward,
    DatagramRelayEnd End,
    RelaySide? Side,
    Exception? Error);

/// <summary>Why a relay of datagrams ended.</summary>
public enum DatagramRelayEnd
{
    /// <summary>One of the flows was done.</summary>
    Done,

    /// <summary>One of the flows failed.</summary>
    Failed,

    /// <summary>Neither flow had received anything for the idle timeout.</summary>
    Idle,

    /// <summary>It was cancelled.</summary>
    Cancelled,
}
