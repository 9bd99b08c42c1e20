namespace MuxPro.Core;

/// <summary>
/// Whether the other end's host is gone, by what the kernel knows of the connection. A host that is gone answers nothing, however often the
/// kernel asks
/// again. One that is merely slow, or whose process does not read, answers: only the time without an answer is no proof, because the kernel
/// asks less and
/// less often. Not thread-safe.
/// </summary>
/// <param name="limit">How long it may be silent, in timestamps; negative for ever.</param>
/// <param name="frequency">Timestamps in a second.</param>
/// <param name="now">A timestamp.</param>
internal struct HostSilence(long limit, long frequency, long now)
{
    private const int Asked = 2;

    private long _lastLook = now;
    private long _waitingSince = now;
    private long _retransmissionsAnswered;

    /// <summary>Takes in what the kernel knows now.</summary>
    /// <returns>Whether the host was silent for too long.</returns>
    public bool Look(long now, in TcpFigures figures)
    {
        long silence = Timestamps.From(figures.SinceAcknowledgement, frequency);
        if (silence <= now - _lastLook)
        {
            _retransmissionsAnswered = figures.Retransmissions;
        }

        _lastLook = now;
        long unanswered = Math.Max(figures.Probes, figures.Retransmissions - _retransmissionsAnswered);
        if (unanswered < Asked)
        {
            _waitingSince = now;
            return false;
        }

        // What was asked before was not asked at once: the time since the last answer counts, but no time before something was sent.
        return Timestamps.IsOver(silence, limit) && now - _waitingSince >= limit * 3 / 4;
    }
}
