using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// What a peer causes is a warning at most once per interval, and Information otherwise: it is seen by default, and nobody can fill the
/// log with it. Safe to use from many threads.
/// </summary>
internal sealed class WarningLimit(TimeProvider time, TimeSpan interval)
{
    private readonly RareMessage _warning = new(time, interval);

    /// <summary>The level of the next message.</summary>
    public LogLevel Next() => _warning.TryPass(out _) ? LogLevel.Warning : LogLevel.Information;
}
