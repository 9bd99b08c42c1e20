namespace MuxPro;

/// <summary>Two pipes as one stream.</summary>
internal sealed class DuplexPipeStream(Link link) : DuplexStream
{
    private readonly Stream _input = link.Input.AsStream(leaveOpen: true);
    private readonly Stream _output = link.Output.AsStream(leaveOpen: true);

    public ValueTask CompleteWritesAsync() => link.Output.CompleteAsync();

    public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => _input.Read(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => _input.ReadAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => _output.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => _output.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => _output.WriteAsync(buffer, cancellationToken);

    public override void Flush() => _output.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await link.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            link.Output.Complete();
            link.Input.Complete();
        }

        base.Dispose(disposing);
    }
}
