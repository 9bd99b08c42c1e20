namespace MuxPro.Proxy.Http;

/// <summary>Reads a stream; from <see cref="Limit"/> on, a read that gets nothing for too long gives up.</summary>
/// <param name="inner">The stream; not owned.</param>
/// <param name="limit">How long a read may take.</param>
/// <param name="time">The clock.</param>
/// <param name="giveUp">Makes the read that waits fail.</param>
internal sealed class IdleLimitStream(Stream inner, TimeSpan limit, TimeProvider time, Action giveUp) : Stream
{
    private readonly Lock _gate = new();

    // Guarded by _gate. The timer goes while a read waits that is limited; a slow reader of what was read does not count.
    private ITimer? _timer;
    private bool _isReading;

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Limit()
    {
        lock (_gate)
        {
            _timer ??= time.CreateTimer(static state => ((Action)state!)(), giveUp, DueTime, Timeout.InfiniteTimeSpan);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        SetReading(true);
        try
        {
            return await inner.ReadAsync(buffer, cancellationToken);
        }
        finally
        {
            SetReading(false);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_gate)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }

        base.Dispose(disposing);
    }

    private TimeSpan DueTime => _isReading ? limit : Timeout.InfiniteTimeSpan;

    private void SetReading(bool isReading)
    {
        lock (_gate)
        {
            _isReading = isReading;
            _timer?.Change(DueTime, Timeout.InfiniteTimeSpan);
        }
    }
}
