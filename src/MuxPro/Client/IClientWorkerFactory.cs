namespace MuxPro;

/// <summary>Makes client workers: dials a main connection and negotiates on it.</summary>
public interface IClientWorkerFactory
{
    /// <summary>
    /// How many sub-connections a new worker has room for, as far as is known before one is made: the pool dials for so many waiters at
    /// once.
    /// </summary>
    /// <value>The default value is that of <see cref="ClientStrategy.MaxConcurrency"/>.</value>
    int Capacity => ClientStrategy.Default.MaxConcurrency;

    /// <summary>The clock of the pool: waits after failed dials, and the age of workers.</summary>
    /// <value>The default value is <see cref="TimeProvider.System"/>.</value>
    TimeProvider TimeProvider => TimeProvider.System;

    /// <summary>Makes a worker that is ready to open sub-connections.</summary>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The worker, owned by the caller.</returns>
    ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default);
}
