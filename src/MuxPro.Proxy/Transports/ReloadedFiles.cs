using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Cli;

namespace MuxPro.Proxy.Transports;

/// <summary>
/// What is in files that may be replaced: they are looked at again now and then, and where the new ones are broken, that is logged once and the last good ones
/// stay. Safe to use from many threads.
/// </summary>
internal sealed class ReloadedFiles<T>
    where T : class
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly string[] _paths;
    private readonly Func<T> _load;
    private readonly Action<T> _onRead;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long _looked;
    private (DateTime Written, long Length)[] _seen;
    private volatile T _content;

    /// <param name="paths">The files.</param>
    /// <param name="load">Reads them.</param>
    /// <param name="onRead">Gets what they have when they have changed, and says so.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what is wrong with files that have changed.</param>
    /// <exception cref="ConfigurationException">The files cannot be used; the message names the file.</exception>
    public ReloadedFiles(IEnumerable<string> paths, Func<T> load, Action<T> onRead, TimeProvider time, ILogger logger)
    {
        _paths = [.. paths];
        _load = load;
        _onRead = onRead;
        _time = time;
        _logger = logger;
        _looked = time.GetTimestamp();
        _seen = Stamp();
        _content = load();
    }

    /// <summary>What they have now.</summary>
    public T Content
    {
        get
        {
            Refresh();
            return _content;
        }
    }

    private void Refresh()
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_looked) < LookInterval)
            {
                return;
            }

            _looked = _time.GetTimestamp();
        }

        (DateTime Written, long Length)[] seen = Stamp();
        lock (_gate)
        {
            if (seen.AsSpan().SequenceEqual(_seen))
            {
                return;
            }

            _seen = seen;
        }

        T content;
        try
        {
            content = _load();
        }
        catch (ConfigurationException exception)
        {
            _logger.FilesKept(exception.Message);
            return;
        }

        lock (_gate)
        {
            if (_seen != seen)
            {
                // It took so long that somebody has read newer ones meanwhile.
                return;
            }

            _content = content;
        }

        _onRead(content);
    }

    private (DateTime Written, long Length)[] Stamp() => Array.ConvertAll(_paths, FileStamp.Of);
}
