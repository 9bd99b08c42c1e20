namespace MuxPro.Proxy.Shared;

/// <summary>
/// What is in files that may be replaced while the program runs. They are looked at when somebody asks, at most once a second; where the
/// new ones are broken, that is said once and the last good ones stay. Safe to use from many threads.
/// </summary>
/// <remarks>
/// Looking costs a read of a small file. Notices of the kernel (<c>PhysicalFileProvider</c>) would cost a watch for each directory, say
/// nothing of files behind links or on network mounts, and come in the middle of a write; its polling sees neither the length nor the clock
/// of the tests.
/// </remarks>
internal sealed class WatchedFile<T>
    where T : class
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly LoadedFile<T> _first;
    private readonly Action<T> _onRead;
    private readonly Action<string> _onKept;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long _looked;
    private FileStamp[] _seen;
    private FileStamp[]? _unreadable; // of files that could not be read, which is tried again
    private volatile T _content;

    /// <param name="first">The files as they were read first.</param>
    /// <param name="onRead">Gets what they have when they have changed, and says so.</param>
    /// <param name="onKept">Gets what is wrong with files that have changed.</param>
    /// <param name="time">The clock.</param>
    public WatchedFile(LoadedFile<T> first, Action<T> onRead, Action<string> onKept, TimeProvider time)
    {
        _first = first;
        _onRead = onRead;
        _onKept = onKept;
        _time = time;
        _looked = time.GetTimestamp();
        _seen = first.Seen;
        _content = first.Content;
    }

    /// <summary>What they have now.</summary>
    public T Current
    {
        get
        {
            bool isDue;
            lock (_gate)
            {
                isDue = _time.GetElapsedTime(_looked) >= LookInterval;
            }

            if (isDue)
            {
                Refresh();
            }

            return _content;
        }
    }

    /// <summary>Looks at them at once.</summary>
    /// <returns>Whether they have changed and are good.</returns>
    public bool Refresh()
    {
        FileStamp[] seen = _first.Stamp();
        lock (_gate)
        {
            _looked = _time.GetTimestamp();
            if (_unreadable is null && seen.AsSpan().SequenceEqual(_seen))
            {
                return false;
            }

            _seen = seen;
        }

        T content;
        try
        {
            content = _first.Load();
        }
        catch (ConfigurationException exception)
        {
            Keep(seen, exception);
            return false;
        }

        lock (_gate)
        {
            if (_seen != seen)
            {
                // It took so long that somebody has read newer ones meanwhile.
                return false;
            }

            _unreadable = null;
            _content = content;
        }

        _onRead(content);
        return true;
    }

    private void Keep(FileStamp[] seen, ConfigurationException exception)
    {
        bool isNews;
        lock (_gate)
        {
            isNews = _seen == seen && _unreadable?.AsSpan().SequenceEqual(seen) != true;
            if (_seen == seen)
            {
                // What was read and has a mistake is as it is. What could not be read may be good: it may take a key away.
                _unreadable = exception.InnerException is IOException or UnauthorizedAccessException ? seen : null;
            }
        }

        if (isNews)
        {
            _onKept(exception.Message);
        }
    }
}

/// <summary>Files that were read, and how they looked just before.</summary>
internal sealed class LoadedFile<T>
    where T : class
{
    private readonly string[] _paths;
    private readonly Func<T> _load;

    /// <param name="paths">The files; none for what lives in memory.</param>
    /// <param name="load">Reads them.</param>
    /// <exception cref="ConfigurationException">They cannot be used; the message names the file.</exception>
    public LoadedFile(string[] paths, Func<T> load)
    {
        _paths = paths;
        _load = load;
        Seen = Stamp();
        Content = load();
    }

    public FileStamp[] Seen { get; }

    public T Content { get; }

    /// <summary>How they look now.</summary>
    public FileStamp[] Stamp() => Array.ConvertAll(_paths, FileStamp.Of);

    /// <summary>Reads them again.</summary>
    /// <inheritdoc cref="LoadedFile{T}(string[], Func{T})" path="/exception"/>
    public T Load() => _load();
}
