using MuxPro.Core;

namespace MuxPro;

/// <content>Dials, and what happens to workers.</content>
public abstract partial class WorkerPool
{
    // Timers do not reach further than some weeks.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private async Task DialAsync(DialPlan.Dial dial)
    {
        // Off the caller's thread: the factory is not ours.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        ClientWorker worker;
        try
        {
            worker = await _factory.CreateAsync(_stop).ConfigureAwait(false)
                ?? throw new InvalidOperationException("The factory returned no worker.");
        }
        catch (Exception exception)
        {
            OnFailed(dial, exception);
            return;
        }

        OnDialled(dial, worker);
    }

    private void OnDialled(DialPlan.Dial dial, ClientWorker worker)
    {
        worker.RoomFreed = () => OnRoomFreed(worker);
        Todo todo;
        lock (_gate)
        {
            _workers.Add(worker);
            _plan.Capacity = worker.Capacity;
            int waiters = _waiters.Count;
            ServeLocked(worker);
            if (waiters > 0 && _waiters.Count == waiters)
            {
                // Dead or closing already, or the server takes nothing: to dial again at once would only bring the next one like it.
                FailLocked(dial, worker.Failure ?? new MainConnectionException(
                    MainConnectionEnd.DialFailed, "A new main connection was made, and the server takes no sub-connections on it."));
            }
            else
            {
                _plan.OnSucceeded(dial, _time.GetTimestamp());
            }

            EndDisposingLocked();
            todo = NextLocked();
        }

        Do(todo);
        _ = WatchAsync(worker);
    }

    private void OnFailed(DialPlan.Dial dial, Exception exception)
    {
        Todo todo;
        lock (_gate)
        {
            FailLocked(dial, exception);
            EndDisposingLocked();
            todo = NextLocked();
        }

        Do(todo);
    }

    /// <summary>A place goes to who waits longest: the dial it waits for may be slow, or never be answered.</summary>
    private void OnRoomFreed(ClientWorker worker)
    {
        Todo todo;
        lock (_gate)
        {
            ServeLocked(worker);

            // It may idle from here on. A wake-up that comes earlier looks further ahead itself.
            if (worker.TimeLeft is not { } left || DueIn(left) >= _wakeDue)
            {
                return;
            }

            todo = NextLocked();
        }

        Do(todo);
    }

    /// <summary>A worker that died is dropped, and those who hoped for a place on it get another.</summary>
    private async Task WatchAsync(ClientWorker worker)
    {
        await worker.Completion.ConfigureAwait(false);
        Todo todo;
        lock (_gate)
        {
            _workers.Remove(worker);
            todo = NextLocked();
        }

        Do(todo);
    }

    /// <summary>Begins what became due by time alone: dials after a wait, and the end of workers that are too old or idle.</summary>
    private async Task WakeAsync(long due)
    {
        try
        {
            // Timers count milliseconds, and must not come early.
            TimeSpan sleep = TimeSpan.FromMilliseconds(Math.Ceiling(_time.GetElapsedTime(_time.GetTimestamp(), due).TotalMilliseconds));
            sleep = sleep > LongestSleep ? LongestSleep : sleep < TimeSpan.Zero ? TimeSpan.Zero : sleep;
            await Task.Delay(sleep, _time, _stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        Todo todo;
        lock (_gate)
        {
            if (_wakeDue == due)
            {
                _wakeDue = long.MaxValue;
            }

            RetireLocked();

            todo = NextLocked();
        }

        Do(todo);
    }

    private void Do(in Todo todo)
    {
        foreach (DialPlan.Dial dial in todo.Dials ?? [])
        {
            _ = DialAsync(dial);
        }

        if (todo.WakeDue is { } due)
        {
            _ = WakeAsync(due);
        }
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    /// <summary>What is to be done now, and when to look again. Call it after everything that changes who waits for what.</summary>
    private Todo NextLocked()
    {
        if (_disposing is not null)
        {
            return default;
        }

        long now = _time.GetTimestamp();
        List<DialPlan.Dial>? dials = null;
        while (_plan.TryBegin(_waiters.Count, now, Random.Shared.NextDouble()) is { } dial)
        {
            (dials ??= []).Add(dial);
        }

        long due = _plan.NextDue(_waiters.Count);
        foreach (ClientWorker worker in _workers)
        {
            if (worker.TimeLeft is { } left)
            {
                due = Math.Min(due, DueIn(left));
            }
        }

        // An earlier wake-up looks further ahead itself; a later one that is under way by then does no harm.
        if (due >= _wakeDue)
        {
            return new Todo(dials, null);
        }

        _wakeDue = due;
        return new Todo(dials, due);
    }

    private long DueIn(TimeSpan left)
        => _time.GetTimestamp() + (long)Math.Min(left.TotalSeconds * _time.TimestampFrequency, long.MaxValue / 2);

    /// <summary>Ends the workers that are too old, and those that idle for too long but for one: the spare.</summary>
    private void RetireLocked()
    {
        bool hasSpare = false;
        foreach (ClientWorker worker in _workers)
        {
            worker.RetireIfWornOut();
            if (!hasSpare && worker.IsIdle)
            {
                hasSpare = true;
            }
            else
            {
                worker.RetireIfIdle();
            }
        }
    }

    private void ServeLocked(ClientWorker worker)
    {
        while (_waiters.First is { } first && worker.TryReserve())
        {
            _waiters.RemoveFirst();
            first.Value.TrySetResult(worker);
        }
    }

    private void FailLocked(DialPlan.Dial dial, Exception exception)
    {
        _plan.OnFailed(dial, _time.GetTimestamp(), Random.Shared.NextDouble());
        while (_waiters.First is { } first && _plan.WaitsFor(dial, _waiters.Count, first.Value.Since))
        {
            _waiters.RemoveFirst();
            first.Value.TrySetException(exception is MainConnectionException
                ? MuxErrors.Copy(exception)
                : new MainConnectionException(
                    MainConnectionEnd.DialFailed, $"Dialling a main connection failed: {exception.Message}", exception));
        }
    }

    private void EndDisposingLocked()
    {
        if (_plan.IsIdle)
        {
            _disposing?.TrySetResult();
        }
    }

    /// <summary>What was decided under the gate and is done without it.</summary>
    private readonly record struct Todo(List<DialPlan.Dial>? Dials, long? WakeDue);
}
