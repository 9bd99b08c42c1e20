namespace MuxPro;

/// <summary>
/// Picks the worker with room that has the fewest sub-connections, the older of two with as many: what is open spreads evenly.
/// </summary>
/// <remarks>It makes a worker only where none has room, like <see cref="IncrementalWorkerPicker"/>.</remarks>
public sealed class LeastLoadedWorkerPicker : WorkerPool
{
    /// <summary>Makes the picker.</summary>
    /// <param name="factory">Makes workers.</param>
    public LeastLoadedWorkerPicker(IClientWorkerFactory factory)
        : base(factory)
    {
    }

    private protected override ClientWorker? TryReserve(List<ClientWorker> workers)
    {
        while (true)
        {
            ClientWorker? best = null;
            int least = int.MaxValue;
            foreach (ClientWorker worker in workers)
            {
                if (worker.TryGetLoad(out int load) && load < least)
                {
                    best = worker;
                    least = load;
                }
            }

            // Who has a worker may take its last place beside the pool; then it has no room at the next look.
            if (best is null || best.TryReserve())
            {
                return best;
            }
        }
    }
}
