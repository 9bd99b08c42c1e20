namespace MuxPro.MacroBench.Peers;

/// <summary>A stream that is a <see cref="Stream"/>.</summary>
internal class ByteBenchStream(Stream stream) : BenchStream
{
    private const int BufferBytes = 65536;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer) => stream.ReadAsync(buffer);

    public override ValueTask CloseAsync() => stream.DisposeAsync();

    public override async Task WriteForEverAsync(ReadOnlyMemory<byte> chunk, Counter written)
    {
        while (true)
        {
            await stream.WriteAsync(chunk);
            written.Add(chunk.Length);
        }
    }

    public override async Task ReadToEndAsync(Counter read)
    {
        byte[] buffer = new byte[BufferBytes];
        while (await stream.ReadAsync(buffer) is > 0 and int count)
        {
            read.Add(count);
        }
    }
}
