namespace MuxPro.Core;

/// <summary>
/// When the other end is asked for a sign of life, and whether it owes the answer (SPEC 8, Ping). At most one is under way. Not thread-
/// safe.
/// </summary>
/// <param name="interval">How long the other end may be quiet before it is asked, in timestamps; negative: its quiet is no reason to ask or
/// to fail.</param>
/// <param name="timeout">How long it may owe the answer, in timestamps.</param>
internal struct Ping(long interval, long timeout)
{
    private long? _sent; // the one under way
    private long _lastSent;
    private ulong _token;

    /// <summary>Whether one is unanswered.</summary>
    public readonly bool IsUnderWay => _sent is not null;

    /// <summary>One is sent.</summary>
    /// <returns>Its token.</returns>
    public ulong Start(long now)
    {
        _sent = _lastSent = now;
        return ++_token;
    }

    /// <summary>An answer has come.</summary>
    /// <returns>How long it took, or <see langword="null"/> where nobody asked for it.</returns>
    public long? Stop(long now, ulong token)
    {
        long? taken = token == _token ? now - _sent : null;
        if (taken is not null)
        {
            _sent = null;
        }

        return taken;
    }

    /// <summary>Whether the other end is to be asked because it is quiet or because it is not known how far away it is.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="heard">When it was last heard, or this end began to listen.</param>
    /// <param name="hasSessions">Whether anything is open that it may be quiet about.</param>
    /// <param name="isDistanceKnown">Whether there is a round-trip time.</param>
    public readonly bool IsDue(long now, long heard, bool hasSessions, bool isDistanceKnown)
        => interval >= 0 && _sent is null && (!isDistanceKnown || (hasSessions && now - Math.Max(heard, _lastSent) >= interval));

    /// <summary>SPEC 8: "no answer within 10 s ends the main connection". While other bytes come, the answer is only late.</summary>
    public readonly bool IsOverdue(long now, long heard) => interval >= 0 && _sent is { } sent && now - Math.Max(heard, sent) >= timeout;
}
