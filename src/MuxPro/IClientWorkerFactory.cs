namespace MuxPro;

/// <summary>Makes client workers: dials a main connection and negotiates on it.</summary>
public interface IClientWorkerFactory
{
    /// <summary>Makes a worker that is ready to open sub-connections.</summary>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The worker, owned by the caller.</returns>
    ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default);
}
