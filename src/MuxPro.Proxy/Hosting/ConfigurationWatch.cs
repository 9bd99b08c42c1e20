using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// Looks at files now and then, and calls when they have changed and then stayed as they are: whoever writes them may need a moment.
/// </summary>
internal sealed class ConfigurationWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Func<IReadOnlyList<string>> _files;
    private readonly Action _changed;
    private readonly ITimer _timer;
    private string _seen;
    private string _told;
    private int _isLooking;

    /// <param name="files">Names the files that count now.</param>
    /// <param name="changed">Called when one of them has changed, on a timer's thread.</param>
    /// <param name="time">The clock.</param>
    public ConfigurationWatch(Func<IReadOnlyList<string>> files, Action changed, TimeProvider time)
    {
        _files = files;
        _changed = changed;
        _seen = _told = Stamp();
        _timer = time.CreateTimer(static state => ((ConfigurationWatch)state!).Look(), this, Interval, Interval);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        try
        {
            string now = Stamp();
            bool isStable = now == _seen;
            _seen = now;
            if (isStable && now != _told)
            {
                _told = now;
                _changed();
            }
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    private string Stamp() => string.Join('\n', _files().Select(static file => $"{file} {FileStamp.Of(file)}"));
}
