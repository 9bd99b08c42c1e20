using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MuxPro.Proxy.Hosting;

/// <summary>Logs to standard error, one line a message; in the journal's form where systemd reads it.</summary>
internal static class ConsoleLogging
{
    // systemd sets it for services whose output goes to the journal.
    private const string JournalVariable = "JOURNAL_STREAM";

    public static ILoggerFactory Create(LogLevel level) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(level);

        // The dialer says it too, once and not for every connection that waits.
        logging.AddFilter("MuxPro.DialingWorkerFactory", LogLevel.None);
        if (Environment.GetEnvironmentVariable(JournalVariable) is not null)
        {
            logging.AddSystemdConsole();
        }
        else
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
            });
        }

        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });
}
