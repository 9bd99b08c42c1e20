namespace MuxPro.Core;

/// <summary>When to send a KeepAlive: after a time without sending anything (SPEC 6.3.5). Not thread-safe.</summary>
/// <param name="interval">The time in timestamps; negative sends none.</param>
/// <param name="now">A timestamp.</param>
internal struct KeepAlive(long interval, long now)
{
    private long _lastSent = now;

    /// <summary>Something was sent.</summary>
    public void OnSent(long now) => _lastSent = now;

    /// <summary>Whether a KeepAlive is due.</summary>
    public readonly bool IsDue(long now) => Timestamps.IsOver(now - _lastSent, interval);
}
