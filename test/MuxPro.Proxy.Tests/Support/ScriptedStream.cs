namespace MuxPro.Proxy.Tests.Support;

/// <summary>Gives what was scripted, piece by piece, then ends or waits; keeps what is written to it.</summary>
internal sealed class ScriptedStream(IEnumerable<byte[]> pieces, bool endsAfterwards = true) : Stream
{
    private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));
    private readonly MemoryStream _written = new();

    public byte[] Written => _written.ToArray();

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Every way to cut the bytes in two, all of them at once, and one by one.</summary>
    public static IEnumerable<byte[][]> Cuts(byte[] bytes)
    {
        yield return [bytes];
        yield return [.. bytes.Select(value => new[] { value })];
        for (int i = 1; i < bytes.Length; i++)
        {
            yield return [bytes[..i], bytes[i..]];
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_pieces.TryPeek(out byte[]? piece))
        {
            await Task.Delay(endsAfterwards ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return 0;
        }

        int count = Math.Min(piece.Length, buffer.Length);
        piece.AsSpan(0, count).CopyTo(buffer.Span);
        _pieces.Dequeue();
        if (count < piece.Length)
        {
            byte[][] rest = [piece[count..], .. _pieces];
            _pieces.Clear();
            foreach (byte[] next in rest)
            {
                _pieces.Enqueue(next);
            }
        }

        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => _written.WriteAsync(buffer, cancellationToken);

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
