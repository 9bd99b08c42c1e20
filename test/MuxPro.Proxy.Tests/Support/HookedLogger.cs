using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Does something, on the thread of whoever logs it, when a message of the program is logged.</summary>
internal sealed class HookedLogger(LogCollector inner, int eventId, Action hook) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName)
        => categoryName.StartsWith("MuxPro.Proxy", StringComparison.Ordinal) ? this : inner.CreateLogger(categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        inner.Log(logLevel, id, state, exception, formatter);
        if (id.Id == eventId)
        {
            hook();
        }
    }
}
