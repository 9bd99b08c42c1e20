namespace MuxPro.Proxy.Shared;

/// <summary>
/// Lets a message that others can cause at will through once per interval, and counts the rest. Safe to use from many threads.
/// </summary>
internal sealed class RareMessage(TimeProvider time, TimeSpan interval)
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long? _last;
    private int _held;

    /// <summary>Whether to log now.</summary>
    /// <param name="held">How many times that was not so since the last time it was.</param>
    public bool TryPass(out int held)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            bool isPassed = _last is not { } last || time.GetElapsedTime(last, now) >= interval;
            held = isPassed ? _held : 0;
            _held = isPassed ? 0 : _held + 1;
            _last = isPassed ? now : _last;
            return isPassed;
        }
    }
}
