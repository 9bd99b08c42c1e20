using System.Globalization;
using System.Threading.Channels;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// Writes lines on a thread of its own, so that a slow disk or a reader that does not read holds up nobody: lines that find no room are
/// dropped, and it is said how many. Safe to use from many threads.
/// </summary>
internal sealed class LineWriter : IDisposable
{
    private const int MaxWaiting = 16 * 1024;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly string? _path;
    private readonly Task _writing;
    private TextWriter _writer;
    private long _dropped;
    private volatile bool _isReopenDue;

    /// <summary>Writes to a writer, which stays its owner's.</summary>
    public LineWriter(TextWriter writer)
    {
        _writer = writer;
        _writing = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Appends to a file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public LineWriter(string path)
        : this(Open(path)) => _path = path;

    /// <param name="text">A line with its end.</param>
    public void Write(string text)
    {
        if (!_lines.Writer.TryWrite(text))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Opens the file again before the next line.</summary>
    public void Reopen() => _isReopenDue = _path is not null;

    public void Dispose()
    {
        _lines.Writer.TryComplete();
        _writing.Wait(StopTimeout);
        if (_path is not null)
        {
            _writer.Dispose();
        }
    }

    private static StreamWriter Open(string path)
    {
        try
        {
            return new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete));
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException($"{path}: cannot be written: {exception.Message}", exception);
        }
    }

    private void Write()
    {
        while (WaitForLine())
        {
            while (_lines.Reader.TryRead(out string? line))
            {
                TryWriteOne(line);
            }

            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
            {
                TryWriteOne(
                    string.Create(CultureInfo.InvariantCulture, $"({dropped} lines found no room and were dropped){Environment.NewLine}"));
            }

            TryFlush();
        }
    }

    private bool WaitForLine() => _lines.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();

    private void TryWriteOne(string line)
    {
        try
        {
            if (_isReopenDue)
            {
                _isReopenDue = false;
                _writer.Dispose();
                _writer = Open(_path!);
            }

            _writer.Write(line);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // A full disk, or a closed pipe: there is nowhere to say it.
            _isReopenDue = _path is not null;
        }
    }

    private void TryFlush()
    {
        try
        {
            _writer.Flush();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            _isReopenDue = _path is not null;
        }
    }
}
