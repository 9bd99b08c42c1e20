using Microsoft.Extensions.Logging;

namespace MuxPro.AspNetCore.Hosting;

internal static partial class Log
{
    [LoggerMessage(200, LogLevel.Debug, "A sub-connection to {Destination} was refused: {Reason}")]
    public static partial void SubConnectionRefused(this ILogger logger, Destination destination, string reason);

    [LoggerMessage(201, LogLevel.Information, "{Count} sub-connections were still open {Timeout} after the host began to stop, and are cut.")]
    public static partial void SubConnectionsCut(this ILogger logger, int count, TimeSpan timeout);
}
