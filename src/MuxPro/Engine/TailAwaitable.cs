using System.Runtime.CompilerServices;

namespace MuxPro.Engine;

/// <summary>
/// Awaits a receive, and lets a reader go on on the thread that the wait sets free: it saves the reader a change of thread. The receive
/// loop goes on on another thread as soon as something arrives, whatever the reader does.
/// </summary>
internal sealed class TailAwaitable : ICriticalNotifyCompletion
{
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _receive;
    private Session? _reader;

    public bool IsCompleted => false;

    /// <summary>Prepares a wait for a receive that is under way.</summary>
    /// <param name="receive">The receive.</param>
    /// <param name="reader">Who goes on meanwhile, or nobody.</param>
    public TailAwaitable Await(ValueTask<int> receive, Session? reader)
    {
        _receive = receive.ConfigureAwait(false).GetAwaiter();
        _reader = reader;
        return this;
    }

    public TailAwaitable GetAwaiter() => this;

    public int GetResult() => _receive.GetResult();

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        // Taken first: once the receive has its continuation, this object is the next wait's.
        Session? reader = _reader;
        _reader = null;
        _receive.UnsafeOnCompleted(continuation);
        reader?.Receiver.Run();
    }
}
