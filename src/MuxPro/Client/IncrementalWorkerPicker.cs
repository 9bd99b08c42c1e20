namespace MuxPro;

/// <summary>Picks the first worker with room, in the order in which they were made, so that few main connections carry much.</summary>
public sealed class IncrementalWorkerPicker : WorkerPool
{
    /// <summary>Makes the picker.</summary>
    /// <param name="factory">Makes workers.</param>
    public IncrementalWorkerPicker(IClientWorkerFactory factory)
        : base(factory)
    {
    }

    private protected override ClientWorker? TryReserve(List<ClientWorker> workers)
    {
        foreach (ClientWorker worker in workers)
        {
            if (worker.TryReserve())
            {
                return worker;
            }
        }

        return null;
    }
}
