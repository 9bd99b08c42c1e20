using System.Threading.Tasks.Sources;

namespace MuxPro.Engine;

/// <summary>
/// Lets one waiter wait for "something happened", again and again, without allocating. Signals that nobody waits for are kept as one.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _signalled;
    private bool _waiting;

    /// <summary>Whether the last wait ended on the thread of the one who signalled.</summary>
    public bool ResumedInline { get; private set; }

    /// <summary>Waits for the next signal, or returns at once when one was kept.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_signalled)
            {
                _signalled = ResumedInline = false;
                return ValueTask.CompletedTask;
            }

            _core.Reset();
            _waiting = true;
            return new ValueTask(this, _core.Version);
        }
    }

    /// <summary>Wakes the waiter.</summary>
    /// <param name="inline">Whether the waiter may go on on this thread, before this method returns.</param>
    public void Set(bool inline = false)
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _signalled = true;
                return;
            }

            _waiting = false;
            ResumedInline = inline;
        }

        if (inline)
        {
            _core.SetResult(true);
        }
        else
        {
            // Not the thread's own queue: busy threads look there first, and would never come to the others'.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);
}
