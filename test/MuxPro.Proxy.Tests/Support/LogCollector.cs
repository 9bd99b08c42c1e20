using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Keeps what is logged and lets tests wait for what the program (not the library) logs.</summary>
internal sealed class LogCollector : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<Entry> _entries = new();
    private readonly ConcurrentDictionary<int, Channel<string>> _ofIds = new();

    public IReadOnlyCollection<Entry> Entries => _entries;

    /// <summary>The next message with this id that was not waited for yet, whatever was logged before it.</summary>
    public async Task<string> WaitAsync(int eventId) => await Of(eventId).Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>What went wrong, as far as it was logged.</summary>
    public override string ToString()
        => string.Join("\n  ", _entries.Where(
            static entry => entry.Level >= LogLevel.Warning || entry.Text.Contains("ended (", StringComparison.Ordinal))
            .Select(static entry => entry.Text).Distinct());

    public void AssertNothingUnexpected()
        => Assert.DoesNotContain(_entries, entry => entry.Level >= LogLevel.Error);

    public ILogger CreateLogger(string categoryName)
        => categoryName.StartsWith("MuxPro.Proxy", StringComparison.Ordinal) ? this : new LibraryLogger(this);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var entry = new Entry(logLevel, eventId.Id, formatter(state, exception) + exception);
        _entries.Enqueue(entry);
        Of(entry.Id).Writer.TryWrite(entry.Text);
    }

    private Channel<string> Of(int eventId) => _ofIds.GetOrAdd(eventId, static _ => Channel.CreateUnbounded<string>());

    internal sealed record Entry(LogLevel Level, int Id, string Text);

    /// <summary>The library's ids are its own: kept, but not waited for.</summary>
    private sealed class LibraryLogger(LogCollector collector) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => collector._entries.Enqueue(new Entry(logLevel, -eventId.Id, formatter(state, exception) + exception));
    }
}
