using MuxPro.Core;

namespace MuxPro.Proxy.Routing;

/// <summary>
/// Whether something works, by the attempts that were made. After a failure it is left alone for a while, doubled by each further one;
/// then one attempt at a time finds out. Safe to use from many threads.
/// </summary>
internal sealed class Health(TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();

    // Guarded by _gate.
    private BackOff _backOff = new(time.TimestampFrequency, (long)Longest.TotalSeconds * time.TimestampFrequency);
    private long _probedUntil;

    /// <summary>Whether no failure is known, or the wait after it is over and nobody is finding out yet.</summary>
    public bool IsHealthy
    {
        get
        {
            lock (_gate)
            {
                long now = time.GetTimestamp();
                return !_backOff.IsOn || (_backOff.IsOver(now) && now >= _probedUntil);
            }
        }
    }

    /// <summary>
    /// An attempt begins. Where it is the one that finds out, the others wait for it, but not for ever: it may never end.
    /// </summary>
    /// <returns>Its number, for the report.</returns>
    public int Begin()
    {
        lock (_gate)
        {
            if (_backOff.IsOn)
            {
                _probedUntil = time.GetTimestamp() + (long)(ProbeTimeout.TotalSeconds * time.TimestampFrequency);
            }

            return _backOff.Begin();
        }
    }

    public void ReportSuccess()
    {
        lock (_gate)
        {
            _backOff.OnSucceeded();
            _probedUntil = 0;
        }
    }

    public void ReportFailure(int attempt)
    {
        lock (_gate)
        {
            _backOff.OnFailed(attempt, time.GetTimestamp(), Random.Shared.NextDouble());
            _probedUntil = 0;
        }
    }

    private static TimeSpan ProbeTimeout => TimeSpan.FromSeconds(10);
}
