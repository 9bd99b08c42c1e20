namespace MuxPro;

/// <summary>How a sub-connection went that a server dispatched.</summary>
/// <param name="Destination">Where it went.</param>
/// <param name="Code">How it ended: the first code other than 0000 that either end sent, or 0000.</param>
/// <param name="BytesToTarget">Payload bytes that the target took.</param>
/// <param name="BytesFromTarget">Payload bytes that came from the target and were accepted for sending.</param>
/// <param name="Duration">From the client's opening to the end of both directions.</param>
/// <param name="Error">What went wrong, or <see langword="null"/>: the target was not reached, or a direction failed.</param>
public sealed record SessionReport(
    Destination Destination, ErrorCode Code, long BytesToTarget, long BytesFromTarget, TimeSpan Duration, Exception? Error)
{
    /// <summary>Which priority it had here: what the client asked for, within <see cref="MuxOptions.HighestPriority"/>.</summary>
    public byte Priority { get; init; }

    /// <summary>
    /// What the dispatcher returned, which has ended; for telling one sub-connection from another to the same destination.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: the target was not reached, or it is a flow of datagrams.</value>
    public Link? Target { get; init; }

    /// <summary>
    /// Datagrams that were dropped here while this sub-connection had the flow, in both directions: no room, no credit, too large, or not
    /// allowed. On Linux those are among them that the kernel had no room for when they came from targets. 0 for a stream.
    /// </summary>
    public long DatagramsDropped { get; init; }
}
