namespace MuxPro;

/// <summary>Reaches destinations. Whatever can connect to something is a dispatcher: direct outbound, router, mux client, server.</summary>
public interface IDispatcher
{
    /// <summary>Connects to <paramref name="destination"/> and returns the link that carries its bytes.</summary>
    /// <param name="destination">Where to connect to.</param>
    /// <param name="cancellationToken">Gives up the attempt; it has no effect once the link was returned.</param>
    /// <returns>The link, owned by the caller.</returns>
    /// <exception cref="SessionException">The destination was refused or not reached; <see cref="SessionException.ErrorCode"/> says why.</exception>
    ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default);
}
