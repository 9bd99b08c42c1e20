using System.Threading.Tasks.Sources;

namespace MuxPro.Sessions;

/// <summary>One waiter of a session's direction, again and again, without allocating. The owner is the value task source.</summary>
/// <remarks>
/// <see cref="Start"/> and <see cref="Stop"/> are called under the session's lock; whoever is told by <see cref="Stop"/> that somebody
/// waits ends the wait with <see cref="Wake"/>, outside the lock. The waiter goes on from the pool's global queue: threads look at their
/// own queues first, and in those two busy sub-connections that wake each other would keep everybody else waiting.
/// </remarks>
internal struct SessionWait
{
    private bool _waiting;
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationToken _cancelledBy;
    private CancellationTokenRegistration _cancellation;

    /// <summary>Begins a wait.</summary>
    /// <returns>The token of the value task.</returns>
    public short Start()
    {
        if (_waiting)
        {
            throw new InvalidOperationException("Another operation of the same direction of this session is under way.");
        }

        _core.Reset();
        _cancelledBy = default;
        _waiting = true;
        return _core.Version;
    }

    /// <summary>Whether the wait is to end by cancellation.</summary>
    public readonly bool IsCancelled => _cancelledBy.IsCancellationRequested;

    /// <summary>Goes on with a wait that was stopped and not ended.</summary>
    public void Resume() => _waiting = true;

    /// <summary>Takes the right to end the wait.</summary>
    /// <returns>Whether somebody waits.</returns>
    public bool Stop()
    {
        bool waiting = _waiting;
        _waiting = false;
        return waiting;
    }

    /// <summary>Lets the waiter go on, on the pool: the owner's work item calls <see cref="Complete"/>.</summary>
    public static void Wake(IThreadPoolWorkItem owner) => ThreadPool.UnsafeQueueUserWorkItem(owner, preferLocal: false);

    /// <summary>Lets the wait end by cancellation, when it ends; nothing that was received or written is lost.</summary>
    public void Cancel(CancellationToken token) => _cancelledBy = token;

    /// <summary>Runs the waiter on this thread.</summary>
    public void Complete()
    {
        if (_cancelledBy.IsCancellationRequested)
        {
            _core.SetException(new OperationCanceledException(_cancelledBy));
        }
        else
        {
            _core.SetResult(true);
        }
    }

    /// <summary>Watches a token; <paramref name="onCancelled"/> is called with <paramref name="owner"/>.</summary>
    public void Watch(Action<object?, CancellationToken> onCancelled, object owner, CancellationToken token)
    {
        if (token.CanBeCanceled)
        {
            _cancellation = token.UnsafeRegister(onCancelled, owner);
        }
    }

    /// <summary>The end of the wait, on the waiter's side.</summary>
    public void Finish(short token)
    {
        // Outside the lock: disposing waits for a callback that takes it.
        _cancellation.Dispose();
        _cancellation = default;
        _core.GetResult(token);
    }

    public readonly ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);
}
