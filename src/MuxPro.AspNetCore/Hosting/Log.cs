using Microsoft.Extensions.Logging;

namespace MuxPro.AspNetCore.Hosting;

internal static partial class Log
{
    [LoggerMessage(
        201, LogLevel.Information, "{Count} sub-connections were still open {Timeout} after the host began to stop, and are cut.")]
    public static partial void SubConnectionsCut(this ILogger logger, int count, TimeSpan timeout);
}
