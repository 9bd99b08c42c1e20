namespace MuxPro;

/// <summary>Reaches destinations. Whatever can connect to something is a dispatcher: direct outbound, router, mux client, server.</summary>
public interface IDispatcher
{
    /// <summary>Connects to <paramref name="destination"/> and returns the link that carries its bytes.</summary>
    /// <param name="destination">Where to connect to.</param>
    /// <param name="cancellationToken">Gives up the attempt; it has no effect once the link was returned.</param>
    /// <returns>The link, owned by the caller.</returns>
    /// <exception cref="SessionException">
    /// The destination was refused or not reached; <see cref="SessionException.ErrorCode"/> says why.
    /// </exception>
    ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default);

    /// <summary>
    /// The same, for a sub-connection with a priority. Who shares something out, such as a main connection, implements it.
    /// </summary>
    /// <param name="destination">Where to connect to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="cancellationToken">Gives up the attempt; it has no effect once the link was returned.</param>
    /// <inheritdoc cref="DispatchAsync(Destination, CancellationToken)"/>
    ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => DispatchAsync(destination, cancellationToken);

    /// <summary>
    /// Opens a flow of datagrams whose first target is <paramref name="destination"/>. Who does not implement it carries none.
    /// </summary>
    /// <param name="destination">A UDP destination.</param>
    /// <param name="cancellationToken">Gives up the attempt; it has no effect once the flow was returned.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="SessionException">
    /// The destination was refused or not reached; <see cref="SessionException.ErrorCode"/> says why.
    /// </exception>
    ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => ValueTask.FromException<DatagramLink>(
            new SessionException(ErrorCode.ProxyRejected, $"{destination}: datagrams are not carried here."));

    /// <summary>
    /// The same, for a flow with a priority or a GlobalID. Who shares something out, such as a main connection, implements it.
    /// </summary>
    /// <param name="destination">A UDP destination.</param>
    /// <param name="options">Priority and GlobalID.</param>
    /// <param name="cancellationToken">Gives up the attempt; it has no effect once the flow was returned.</param>
    /// <inheritdoc cref="DispatchDatagramsAsync(Destination, CancellationToken)"/>
    ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => DispatchDatagramsAsync(destination, cancellationToken);
}
