namespace MuxPro.Proxy.Shared;

/// <summary>A stream of which something was read already, or is being read: that comes first.</summary>
internal sealed class PrefixedStream(HandshakeReader prefix, Stream inner) : Stream
{
    private HandshakeReader? _prefix = prefix; // until it has nothing more

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (!HasPrefix)
        {
            return inner.Read(buffer);
        }

        byte[] bytes = new byte[buffer.Length];
        int length = ReadPrefixAsync(bytes, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        bytes.AsSpan(0, length).CopyTo(buffer);
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => HasPrefix ? ReadPrefixAsync(buffer, cancellationToken) : inner.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool HasPrefix
    {
        get
        {
            if (_prefix is { IsDone: true })
            {
                _prefix = null;
            }

            return _prefix is not null;
        }
    }

    private async ValueTask<int> ReadPrefixAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        HandshakeReader prefix = _prefix!;
        if (prefix.Buffered.IsEmpty && !await prefix.FillAsync(cancellationToken))
        {
            return 0;
        }

        // A read of nothing asks whether there is something: there is.
        int length = Math.Min(buffer.Length, prefix.Buffered.Length);
        prefix.Buffered[..length].CopyTo(buffer);
        prefix.Consume(length);
        return length;
    }
}
