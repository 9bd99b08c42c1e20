using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace MuxPro.Proxy.Hosting;

/// <summary>Gives log entries the form that the console would give them, and their lines to a writer.</summary>
internal sealed class LineLoggerProvider(Lazy<ConsoleFormatter> formatter, LineWriter lines) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, formatter, lines);

    public void Dispose()
    {
        // The writer is its maker's.
    }

    private sealed class LineLogger(string category, Lazy<ConsoleFormatter> formatter, LineWriter lines) : ILogger
    {
        [ThreadStatic]
        private static StringWriter? Text;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> format)
        {
            Text ??= new StringWriter();
            formatter.Value.Write(new LogEntry<TState>(logLevel, category, eventId, state, exception, format), null, Text);
            System.Text.StringBuilder text = Text.GetStringBuilder();
            if (text.Length > 0)
            {
                lines.Write(text.ToString());
                text.Clear();
            }
        }
    }
}
