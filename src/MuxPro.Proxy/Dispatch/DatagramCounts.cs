namespace MuxPro.Proxy.Dispatch;

/// <summary>What became of datagrams that go to and fro. Safe to use from many threads.</summary>
internal sealed class DatagramCounts
{
    private long _up;
    private long _down;
    private long _upBytes;
    private long _downBytes;
    private long _dropped;

    /// <summary>Datagrams that went out.</summary>
    public long Up => Interlocked.Read(ref _up);

    /// <summary>Datagrams that came back.</summary>
    public long Down => Interlocked.Read(ref _down);

    public long UpBytes => Interlocked.Read(ref _upBytes);

    public long DownBytes => Interlocked.Read(ref _downBytes);

    /// <summary>Datagrams, of both directions, for which there was no room or no way.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void AddUp(int bytes)
    {
        Interlocked.Increment(ref _up);
        Interlocked.Add(ref _upBytes, bytes);
    }

    public void AddDown(int bytes)
    {
        Interlocked.Increment(ref _down);
        Interlocked.Add(ref _downBytes, bytes);
    }

    public void AddDropped(long count = 1) => Interlocked.Add(ref _dropped, count);
}
