using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Keeps what is logged and lets tests wait for it.</summary>
internal sealed class LogCollector : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<Entry> _entries = new();
    private readonly Channel<Entry> _channel = Channel.CreateUnbounded<Entry>();

    public IReadOnlyCollection<Entry> Entries => _entries;

    /// <summary>The next message with this id that was not waited for yet.</summary>
    public async Task<string> WaitAsync(int eventId)
    {
        await foreach (Entry entry in _channel.Reader.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            if (entry.Id == eventId)
            {
                return entry.Text;
            }
        }

        throw new InvalidOperationException("The log has ended.");
    }

    public void AssertNothingUnexpected()
        => Assert.DoesNotContain(_entries, entry => entry.Level >= LogLevel.Error);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var entry = new Entry(logLevel, eventId.Id, formatter(state, exception) + exception);
        _entries.Enqueue(entry);
        _channel.Writer.TryWrite(entry);
    }

    internal sealed record Entry(LogLevel Level, int Id, string Text);
}
