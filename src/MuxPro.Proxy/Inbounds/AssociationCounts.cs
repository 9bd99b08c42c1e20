namespace MuxPro.Proxy.Inbounds;

/// <summary>What became of the datagrams of an association. Safe to use from many threads.</summary>
internal sealed class AssociationCounts
{
    private long _up;
    private long _down;
    private long _upBytes;
    private long _downBytes;
    private long _refused;
    private long _dropped;

    /// <summary>Datagrams that went to the server.</summary>
    public long Up => Interlocked.Read(ref _up);

    /// <summary>Datagrams that the application was sent.</summary>
    public long Down => Interlocked.Read(ref _down);

    public long UpBytes => Interlocked.Read(ref _upBytes);

    public long DownBytes => Interlocked.Read(ref _downBytes);

    /// <summary>Datagrams of the application that are not carried: fragments and broken heads.</summary>
    public long Refused => Interlocked.Read(ref _refused);

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

    public void AddRefused() => Interlocked.Increment(ref _refused);

    public void AddDropped(long count = 1) => Interlocked.Add(ref _dropped, count);
}
