using MuxPro.Protocol;

namespace MuxPro;

/// <summary>
/// A flow of datagrams with two ends: what a dispatcher returns for a UDP destination, and what a <see cref="DatagramSession"/> is. One
/// receiver and one sender at a time; both may go on side by side.
/// </summary>
/// <remarks>
/// A datagram is one payload: never split, merged or cut off. One that finds no room is dropped and counted, as on any network; nobody
/// waits for room.
/// </remarks>
public abstract class DatagramLink : IAsyncDisposable
{
    /// <summary>The most bytes that a UDP datagram over IPv4 carries.</summary>
    public const int MaxDatagram = PeerLimits.DefaultMaxDatagram;

    private long _dropped;

    /// <summary>Where datagrams go that are sent without an address of their own.</summary>
    public abstract Destination Destination { get; }

    /// <summary>Whether datagrams may have addresses of their own: to any target, and from any source (full cone, SPEC 7.2).</summary>
    public abstract bool IsFullCone { get; }

    /// <summary>Datagrams that were dropped here, in either direction: no room, no credit, too large, or not allowed.</summary>
    public virtual long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Two flows in memory, each the other end of the other.</summary>
    /// <param name="destination">Where datagrams go that are sent without an address.</param>
    /// <param name="capacity">Most datagrams that wait in each direction; more are dropped. The default is 256.</param>
    /// <returns>The two ends.</returns>
    public static (DatagramLink First, DatagramLink Second) CreatePair(Destination destination, int capacity = 256)
        => MemoryDatagramLink.CreatePair(destination, capacity);

    /// <summary>Waits for the next datagram. A cancelled receive loses none.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The datagram, or <see langword="null"/> when the other end is done.</returns>
    /// <exception cref="MuxException">The flow failed.</exception>
    public abstract ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends a datagram, if there is room for it.</summary>
    /// <param name="data">The payload; it may be used again when the task is done.</param>
    /// <param name="address">Where to (at a server: where it came from), or <see langword="null"/> for <see cref="Destination"/>.</param>
    /// <param name="cancellationToken">Gives up looking a name up.</param>
    /// <returns>Whether it was taken; otherwise it was dropped and counted.</returns>
    /// <exception cref="MuxException">The flow failed.</exception>
    public abstract ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default);

    /// <summary>Ends the flow at once, with an error for the other end.</summary>
    /// <param name="reason">Why, for the receivers and senders of this end.</param>
    public abstract void Abort(Exception? reason = null);

    /// <summary>Ends the flow: what was taken is still sent, nothing more is received.</summary>
    /// <returns>A task that is done when the flow needs nothing from the caller any more.</returns>
    public abstract ValueTask DisposeAsync();

    /// <summary>The same, without an exception.</summary>
    /// <returns>What went wrong, or <see langword="null"/>: a flow that cannot even be closed is closed for us.</returns>
    internal async ValueTask<Exception?> TryDisposeAsync()
    {
        try
        {
            await DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    /// <summary>Counts datagrams that were dropped.</summary>
    /// <param name="count">How many.</param>
    protected internal void CountDropped(long count = 1) => Interlocked.Add(ref _dropped, count);
}
