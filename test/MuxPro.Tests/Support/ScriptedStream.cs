namespace MuxPro.Tests.Support;

/// <summary>A stream whose reads return the given lengths, one after the other and at once; what is written is counted.</summary>
public sealed class ScriptedStream(params int[] reads) : Stream
{
    private int _next;

    public bool Records { get; init; } = true;

    /// <summary>The length of each buffer that a read was given.</summary>
    public List<int> Asked { get; } = [];

    public long Written { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Records)
        {
            Asked.Add(buffer.Length);
        }

        return ValueTask.FromResult(buffer.IsEmpty ? 0 : reads[_next++]);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written += buffer.Length;
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
