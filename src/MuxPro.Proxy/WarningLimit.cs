using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy;

/// <summary>
/// What a peer causes is a warning at most once per interval, and Information otherwise: it is seen by default, and nobody can fill the log with it.
/// Safe to use from many threads.
/// </summary>
internal sealed class WarningLimit(TimeProvider time, TimeSpan interval)
{
    private readonly Lock _gate = new();
    private long? _last; // guarded by _gate

    /// <summary>The level of the next message.</summary>
    public LogLevel Next()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (_last is { } last && time.GetElapsedTime(last, now) < interval)
            {
                return LogLevel.Information;
            }

            _last = now;
            return LogLevel.Warning;
        }
    }
}
