using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MuxPro.AspNetCore.Tests.Support;

/// <summary>Keeps what is logged as an error: a test that does not expect any fails by it.</summary>
internal sealed class ErrorLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _errors = new();

    public void AssertEmpty() => Assert.True(_errors.IsEmpty, string.Join("\n", _errors));

    public string Single()
    {
        string error = Assert.Single(_errors);
        _errors.Clear();
        return error;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
        {
            _errors.Enqueue($"{formatter(state, exception)} {exception}");
        }
    }

    public void Dispose()
    {
    }
}
