namespace MuxPro.AspNetCore.Hosting;

/// <summary>Counts what is open, and lets one wait until nothing is.</summary>
internal sealed class OpenCount
{
    private readonly Lock _gate = new();
    private int _open;
    private TaskCompletionSource? _none;

    public void Add(Task completion)
    {
        lock (_gate)
        {
            _open++;
        }

        _ = RemoveAsync(completion);
    }

    /// <returns>How many were still open when the deadline came.</returns>
    public async Task<int> WaitAsync(CancellationToken deadline)
    {
        Task none;
        lock (_gate)
        {
            if (_open == 0)
            {
                return 0;
            }

            none = (_none ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await none.WaitAsync(deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            return _open;
        }
    }

    private async Task RemoveAsync(Task completion)
    {
        await completion;
        TaskCompletionSource? none = null;
        lock (_gate)
        {
            if (--_open == 0)
            {
                (none, _none) = (_none, null);
            }
        }

        none?.SetResult();
    }
}
