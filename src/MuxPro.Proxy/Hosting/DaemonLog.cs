using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;

namespace MuxPro.Proxy.Hosting;

/// <summary>The log of the daemon, as <c>log</c> says: the access lines here, the others there, for people or for programs.</summary>
internal sealed class DaemonLog : IDisposable
{
    // systemd sets it for services whose output goes to the journal.
    private const string JournalVariable = "JOURNAL_STREAM";

    /// <summary>What stands for nowhere.</summary>
    public const string None = "none";

    // Only dependency injection makes formatters, which takes a third of the program's start: that waits for the first line to write.
    private static readonly Lazy<ConsoleFormatter[]> Formatters = new(static () =>
    {
        using ServiceProvider services = new ServiceCollection()
            .AddLogging(static logging => logging.AddSimpleConsole(SetUp).AddJsonConsole(SetUp).AddSystemdConsole())
            .BuildServiceProvider();
        return [.. services.GetServices<ConsoleFormatter>()];
    });

    private readonly LineWriter? _access;
    private readonly LineWriter? _error;
    private readonly ILoggerFactory _accessLoggers;

    private DaemonLog(LineWriter? access, LineWriter? error, ILoggerFactory accessLoggers, ILoggerFactory loggers)
    {
        _access = access;
        _error = error;
        _accessLoggers = accessLoggers;
        LoggerFactory = loggers;
        Access = new AccessLog(accessLoggers.CreateLogger(AccessLog.Category));
    }

    public ILoggerFactory LoggerFactory { get; }

    public AccessLog Access { get; }

    /// <param name="log">What the configuration says.</param>
    /// <param name="output">Standard output, or where lines of the access log go instead.</param>
    /// <param name="error">Standard error.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static DaemonLog Create(LogConfiguration log, TextWriter output, TextWriter error)
    {
        LineWriter? errorLines = ToWriter(log.Error, error);
        LineWriter? accessLines = log is { Access: "", Error: "" } && ReferenceEquals(output, error)
            ? errorLines
            : ToWriter(log.Access, output);
        string forErrors = log.Format == LogFormat.Json ? ConsoleFormatterNames.Json
            : log.Error.Length == 0 && Environment.GetEnvironmentVariable(JournalVariable) is not null ? ConsoleFormatterNames.Systemd
            : ConsoleFormatterNames.Simple;
        string forAccess = accessLines == errorLines ? forErrors
            : log.Format == LogFormat.Json ? ConsoleFormatterNames.Json
            : ConsoleFormatterNames.Simple;
        return new DaemonLog(
            accessLines, errorLines,
            ToLoggers(accessLines, forAccess, LogLevel.Information), ToLoggers(errorLines, forErrors, (LogLevel)log.Loglevel));

        static ILoggerFactory ToLoggers(LineWriter? lines, string format, LogLevel level)
        {
            if (lines is null)
            {
                return NullLoggerFactory.Instance;
            }

            // The outbound says it too, once and not for every connection that waits.
            var filters = new LoggerFilterOptions { MinLevel = level };
            filters.Rules.Add(new LoggerFilterRule(null, "MuxPro.DialingWorkerFactory", LogLevel.None, null));
            var loggers = new LoggerFactory([], filters);
#pragma warning disable CA2000 // The factory owns it.
            loggers.AddProvider(new LineLoggerProvider(
                new Lazy<ConsoleFormatter>(() => Formatters.Value.First(formatter => formatter.Name == format)), lines));
#pragma warning restore CA2000
            return loggers;
        }
    }

    /// <summary>Opens files again: what turned them over has put the old ones elsewhere.</summary>
    public void Reopen()
    {
        _access?.Reopen();
        _error?.Reopen();
    }

    public void Dispose()
    {
        LoggerFactory.Dispose();
        _accessLoggers.Dispose();
        _access?.Dispose();
        _error?.Dispose();
    }

    private static LineWriter? ToWriter(string where, TextWriter standard) => where switch
    {
        "" => new LineWriter(standard),
        None => null,
        _ => new LineWriter(where),
    };

    private static void SetUp(SimpleConsoleFormatterOptions console)
    {
        console.SingleLine = true;
        console.UseUtcTimestamp = true;
        console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        console.ColorBehavior = LoggerColorBehavior.Disabled;
    }

    private static void SetUp(JsonConsoleFormatterOptions console)
    {
        console.UseUtcTimestamp = true;
        console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
    }
}
