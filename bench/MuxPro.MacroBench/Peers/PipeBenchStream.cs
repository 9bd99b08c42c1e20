using System.Buffers;
using System.IO.Pipelines;

namespace MuxPro.MacroBench.Peers;

/// <summary>A stream that is a pair of pipes. Bulk is consumed where it lies.</summary>
internal abstract class PipeBenchStream(PipeReader input, PipeWriter output) : BenchStream
{
    protected PipeReader Input => input;

    protected PipeWriter Output => output;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        FlushResult result = await output.WriteAsync(bytes);
        ThrowIfCompleted(result);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        // Without a state machine of its own while data is there, and with one while it waits.
        return input.TryRead(out ReadResult result) ? ValueTask.FromResult(Take(result, buffer)) : ReadSlowAsync(buffer);
    }

    public override async Task WriteForEverAsync(ReadOnlyMemory<byte> chunk, Counter written)
    {
        while (true)
        {
            ThrowIfCompleted(await output.WriteAsync(chunk));
            written.Add(chunk.Length);
        }
    }

    public override async Task ReadToEndAsync(Counter read)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            read.Add(result.Buffer.Length);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private async ValueTask<int> ReadSlowAsync(Memory<byte> buffer) => Take(await input.ReadAsync(), buffer);

    private int Take(ReadResult result, Memory<byte> buffer)
    {
        int count = (int)Math.Min(result.Buffer.Length, buffer.Length);
        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, count);
        taken.CopyTo(buffer.Span);
        input.AdvanceTo(taken.End);
        return count;
    }

    private static void ThrowIfCompleted(FlushResult result)
    {
        if (result.IsCompleted)
        {
            throw new IOException("the other end reads no more");
        }
    }
}
