namespace MuxPro;

/// <summary>Chooses the main connection that a new sub-connection goes over. Implementations are safe to call from many threads.</summary>
public interface IWorkerPicker : IAsyncDisposable
{
    /// <summary>Picks a worker that has room, making one where none has, and reserves a place on it.</summary>
    /// <param name="cancellationToken">Stops waiting for a worker.</param>
    /// <returns>A worker on which <see cref="ClientWorker.TryReserve"/> succeeded for the caller.</returns>
    ValueTask<ClientWorker> PickAvailableAsync(CancellationToken cancellationToken = default);
}
