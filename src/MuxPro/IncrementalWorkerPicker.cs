using MuxPro.Connection;

namespace MuxPro;

/// <summary>
/// Picks the first worker with room and makes a new one when none has. Dials go on outside the lock, one per missing worker rather than one per
/// waiter; a worker that dies is dropped as soon as somebody picks.
/// </summary>
public sealed class IncrementalWorkerPicker : IWorkerPicker
{
    private readonly IClientWorkerFactory _factory;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposed = new();

    // Guarded by _gate.
    private readonly List<ClientWorker> _workers = [];
    private readonly LinkedList<TaskCompletionSource<ClientWorker>> _waiters = [];
    private int _dials;
    private int _placesPerWorker = 1; // what the last new worker had room for; a first guess until then
    private TaskCompletionSource? _disposing;

    /// <summary>Makes the picker.</summary>
    /// <param name="factory">Makes workers.</param>
    public IncrementalWorkerPicker(IClientWorkerFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        _factory = factory;
        if (factory is DialingWorkerFactory { Places: var places })
        {
            _placesPerWorker = places;
        }
    }

    /// <summary>The workers that live, in the order in which they were made.</summary>
    public IReadOnlyList<ClientWorker> Workers
    {
        get
        {
            lock (_gate)
            {
                Prune();
                return [.. _workers];
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ClientWorker> PickAvailableAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource<ClientWorker> waiter;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposing is not null, this);
            Prune();
            if (TryReserve() is { } worker)
            {
                return worker;
            }

            waiter = new TaskCompletionSource<ClientWorker>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.AddLast(waiter);
            StartMissingDials();
        }

        try
        {
            return await waiter.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Forget(waiter);
            throw;
        }
    }

    /// <summary>Closes all workers in order and fails all waiters.</summary>
    /// <returns>A task that is done when they are closed.</returns>
    public async ValueTask DisposeAsync()
    {
        TaskCompletionSource disposing;
        TaskCompletionSource<ClientWorker>[] waiters;
        lock (_gate)
        {
            if (_disposing is not null)
            {
                return;
            }

            _disposing = disposing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_dials == 0)
            {
                disposing.SetResult();
            }

            waiters = [.. _waiters];
            _waiters.Clear();
        }

        foreach (TaskCompletionSource<ClientWorker> waiter in waiters)
        {
            waiter.TrySetException(new ObjectDisposedException(nameof(IncrementalWorkerPicker)));
        }

        await _disposed.CancelAsync().ConfigureAwait(false);
        await disposing.Task.ConfigureAwait(false);
        ClientWorker[] workers;
        lock (_gate)
        {
            workers = [.. _workers];
            _workers.Clear();
        }

        await Task.WhenAll(workers.Select(static worker => worker.DisposeAsync().AsTask())).ConfigureAwait(false);
        _disposed.Dispose();
    }

    private async Task DialAsync()
    {
        // Off the caller's thread and lock: the factory is not ours.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            Add(await _factory.CreateAsync(_disposed.Token).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            OnDialFailed(exception);
        }
    }

    private void Add(ClientWorker worker)
    {
        worker.RoomFreed = () => OnRoomFreed(worker);
        lock (_gate)
        {
            _workers.Add(worker);
            int places = 0;
            while (_waiters.First is { } first && worker.TryReserve())
            {
                _waiters.RemoveFirst();
                first.Value.TrySetResult(worker);
                places++;
            }

            if (_waiters.Count > 0)
            {
                // It has less room than was thought: now we know.
                _placesPerWorker = Math.Max(1, places);
            }

            EndDial();
            StartMissingDials();
        }
    }

    /// <summary>A place goes to who waits longest: the dial it waits for may be slow, or never be answered.</summary>
    private void OnRoomFreed(ClientWorker worker)
    {
        lock (_gate)
        {
            while (_waiters.First is { } first && worker.TryReserve())
            {
                _waiters.RemoveFirst();
                first.Value.TrySetResult(worker);
            }
        }
    }

    private void OnDialFailed(Exception exception)
    {
        List<TaskCompletionSource<ClientWorker>> failed = [];
        lock (_gate)
        {
            EndDial();

            // This dial was for as many waiters as a worker has places; the others' dials are still under way.
            int keep = _dials * _placesPerWorker;
            while (_waiters.Count > keep && _waiters.First is { } first)
            {
                _waiters.RemoveFirst();
                failed.Add(first.Value);
            }
        }

        foreach (TaskCompletionSource<ClientWorker> waiter in failed)
        {
            waiter.TrySetException(exception is MuxException ? MuxErrors.Copy(exception) : exception);
        }
    }

    private void Forget(TaskCompletionSource<ClientWorker> waiter)
    {
        lock (_gate)
        {
            if (_waiters.Remove(waiter))
            {
                return;
            }
        }

        // Served at the same moment: the place goes back.
        if (waiter.Task.IsCompletedSuccessfully)
        {
            waiter.Task.Result.Release();
        }
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private ClientWorker? TryReserve()
    {
        foreach (ClientWorker worker in _workers)
        {
            if (worker.TryReserve())
            {
                return worker;
            }
        }

        return null;
    }

    private void Prune() => _workers.RemoveAll(static worker => worker.IsClosed);

    private void StartMissingDials()
    {
        while (_disposing is null && _dials * _placesPerWorker < _waiters.Count)
        {
            _dials++;
            _ = DialAsync();
        }
    }

    private void EndDial()
    {
        _dials--;
        if (_dials == 0)
        {
            _disposing?.SetResult();
        }
    }
}
