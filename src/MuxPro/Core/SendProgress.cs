namespace MuxPro.Core;

/// <summary>
/// Whether a send that is under way moves. Slow is not dead: what counts is when the other end last took something. Not thread-safe.
/// </summary>
/// <param name="limit">How long it may take nothing, in timestamps; negative for ever.</param>
internal struct SendProgress(long limit)
{
    private long? _started;
    private long _taken;
    private long _moved;

    /// <summary>Whether a send is under way.</summary>
    public readonly bool IsUnderWay => _started is not null;

    /// <summary>A send starts.</summary>
    public void Start(long now) => _started = now;

    /// <summary>It is done, or has failed.</summary>
    public void Stop() => _started = null;

    /// <summary>Takes in how many bytes have been taken since the main connection began, of all sends.</summary>
    /// <returns>Whether the send has not moved for too long.</returns>
    public bool Look(long now, long taken)
    {
        if (_started is not { } started)
        {
            return false;
        }

        if (taken != _taken)
        {
            (_taken, _moved) = (taken, now);
        }

        return Timestamps.IsOver(now - Math.Max(started, _moved), limit);
    }
}
