using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MuxPro.Diagnostics;

/// <summary>
/// The application's logger, as this library uses it: where it throws, a message is lost, and nothing that waits for what comes after it.
/// </summary>
internal sealed class GuardedLogger : ILogger
{
    private readonly ILogger _inner;

    private GuardedLogger(ILogger inner) => _inner = inner;

    /// <summary>The logger of a type; one that logs nothing where the factory throws, as one does that was disposed.</summary>
    public static ILogger For<T>(MuxOptions options)
    {
        if (options.LoggerFactory == NullLoggerFactory.Instance)
        {
            return NullLogger.Instance;
        }

        try
        {
            return new GuardedLogger(options.LoggerFactory.CreateLogger<T>());
        }
        catch (Exception)
        {
            return NullLogger.Instance;
        }
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return _inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is nowhere left to say it.
        }
    }

    /// <remarks>This library begins no scopes.</remarks>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;
}
