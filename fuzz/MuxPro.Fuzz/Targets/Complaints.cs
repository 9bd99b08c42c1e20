using Microsoft.Extensions.Logging;

namespace MuxPro.Fuzz;

/// <summary>What is logged as an error: nothing that the other end sends may lead to one.</summary>
internal sealed class Complaints : ILoggerFactory, ILogger
{
    private string? _first;

    public string? First => Volatile.Read(ref _first);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string message = $"{formatter(state, exception)} {exception}";
        if (logLevel >= LogLevel.Error)
        {
            Interlocked.CompareExchange(ref _first, message, null);
        }
    }
}
