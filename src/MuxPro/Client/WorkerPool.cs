using MuxPro.Core;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>
/// A pool of workers: hands out those that live and have room, and makes a new one when none has. A place is reserved in the same step in
/// which it is found. Dials go on outside the lock, one per missing worker rather than one per waiter. After a failed dial, those who wait
/// for it get its error, and the next one begins 100 ms later, one at a time, with doubled waits up to 5 s, until one succeeds.
/// </summary>
public abstract partial class WorkerPool : IWorkerPicker
{
    private readonly IClientWorkerFactory _factory;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly CancellationToken _stop;

    // Guarded by _gate.
    private readonly List<ClientWorker> _workers = [];
    private readonly LinkedList<Waiter> _waiters = [];
    private readonly DialPlan _plan;
    private TaskCompletionSource? _disposing;
    private long _wakeDue = long.MaxValue;

    private protected WorkerPool(IClientWorkerFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        _factory = factory;
        _time = GuardedTime.Over(factory.TimeProvider);
        _stop = _disposed.Token;
        _plan = new DialPlan(factory.Capacity, _time.TimestampFrequency);
    }

    /// <summary>The workers that live, in the order in which they were made.</summary>
    public IReadOnlyList<ClientWorker> Workers
    {
        get
        {
            lock (_gate)
            {
                return [.. _workers.Where(static worker => !worker.IsClosed)];
            }
        }
    }

    /// <inheritdoc/>
    /// <exception cref="MainConnectionException">The dial that was waited for failed.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    public async ValueTask<ClientWorker> PickAvailableAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<Waiter> waiter;
        Todo todo;
        lock (_gate)
        {
            if (_disposing is not null)
            {
                throw Disposed();
            }

            if (TryReserve(_workers) is { } worker)
            {
                return worker;
            }

            waiter = _waiters.AddLast(new Waiter(_plan.Begun));
            todo = NextLocked();
        }

        Do(todo);
        try
        {
            return await waiter.Value.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
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
        lock (_gate)
        {
            if (_disposing is not null)
            {
                return;
            }

            _disposing = disposing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (Waiter waiter in _waiters)
            {
                waiter.TrySetException(Disposed());
            }

            _waiters.Clear();
            EndDisposingLocked();
        }

        // Who watches the token may throw, and the workers are closed all the same.
        await _disposed.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await disposing.Task.ConfigureAwait(false);
        ClientWorker[] workers;
        lock (_gate)
        {
            workers = [.. _workers];
            _workers.Clear();
        }

        await Task.WhenAll(workers.Select(static worker => worker.DisposeAsync().AsTask())).ConfigureAwait(false);
        _disposed.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Chooses one of the workers and reserves a place on it. Called with the pool's lock held.</summary>
    private protected abstract ClientWorker? TryReserve(List<ClientWorker> workers);

    private void Forget(LinkedListNode<Waiter> node)
    {
        lock (_gate)
        {
            if (node.List is not null)
            {
                _waiters.Remove(node);
                return;
            }
        }

        // Served at the same moment: the place goes back.
        Task<ClientWorker> served = node.Value.Task;
        if (served.IsCompletedSuccessfully)
        {
            served.Result.Release();
        }

        // Or failed at the same moment: nobody else will look.
        _ = served.Exception;
    }

    private static ObjectDisposedException Disposed() => new(nameof(ClientManager), "The client and its pool were disposed.");

    /// <summary>Somebody who waits for a worker.</summary>
    /// <param name="since">How many dials had begun before.</param>
    private sealed class Waiter(int since) : TaskCompletionSource<ClientWorker>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public int Since => since;
    }
}
