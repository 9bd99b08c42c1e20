namespace MuxPro;

/// <summary>The main connections that a server has open, to drain them together. Safe to use from many threads.</summary>
internal sealed class ServerWorkers
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly HashSet<ServerWorker> _workers = [];
    private CancellationToken? _draining;

    /// <summary>Adds a main connection; one that comes while the server drains is drained at once.</summary>
    public void Add(ServerWorker worker)
    {
        CancellationToken? draining;
        lock (_gate)
        {
            _workers.Add(worker);
            draining = _draining;
        }

        if (draining is { } deadline)
        {
            _ = worker.DrainAsync(deadline);
        }
    }

    public void Remove(ServerWorker worker)
    {
        lock (_gate)
        {
            _workers.Remove(worker);
        }
    }

    /// <inheritdoc cref="Server.DrainAsync"/>
    public async Task<int> DrainAsync(CancellationToken deadline)
    {
        ServerWorker[] workers;
        lock (_gate)
        {
            _draining = deadline;
            workers = [.. _workers];
        }

        int[] open = await Task.WhenAll(workers.Select(worker => worker.DrainAsync(deadline))).ConfigureAwait(false);
        return open.Sum();
    }
}
