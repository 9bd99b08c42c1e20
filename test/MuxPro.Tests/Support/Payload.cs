using System.Buffers;
using System.IO.Pipelines;

namespace MuxPro.Tests.Support;

/// <summary>
/// A stream of bytes that can be made and checked at any offset. Its period is a prime, so that a lost, repeated or swapped stretch of
/// whatever size is seen at once.
/// </summary>
internal sealed class Payload(int seed)
{
    private const int Period = 1_000_003;

    private static readonly byte[] Block = MakeBlock();

    public void CopyTo(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> part = At(offset, destination.Length);
            part.CopyTo(destination);
            destination = destination[part.Length..];
            offset += part.Length;
        }
    }

    public byte[] Take(long offset, int length)
    {
        byte[] bytes = new byte[length];
        CopyTo(offset, bytes);
        return bytes;
    }

    public bool Matches(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            ReadOnlySpan<byte> part = At(offset, bytes.Length);
            if (!part.SequenceEqual(bytes[..part.Length]))
            {
                return false;
            }

            bytes = bytes[part.Length..];
            offset += part.Length;
        }

        return true;
    }

    /// <summary>Asserts that bytes are those of an offset.</summary>
    /// <returns>How many bytes there are.</returns>
    public long Check(long offset, ReadOnlySequence<byte> bytes)
    {
        long start = offset;
        foreach (ReadOnlyMemory<byte> part in bytes)
        {
            Assert.True(Matches(offset, part.Span), $"Wrong bytes between {offset} and {offset + part.Length}.");
            offset += part.Length;
        }

        return offset - start;
    }

    /// <summary>Writes a stretch into a pipe, in pieces of a size.</summary>
    public async Task SendAsync(PipeWriter writer, long from, long to, int piece = 16 * 1024, CancellationToken cancellationToken = default)
    {
        while (from < to)
        {
            int count = (int)Math.Min(piece, to - from);
            CopyTo(from, writer.GetSpan(count)[..count]);
            writer.Advance(count);
            from += count;
            await writer.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Writes a stretch into a stream, in pieces of a size.</summary>
    public async Task SendAsync(Stream stream, long from, long to, int piece = 100_000, CancellationToken cancellationToken = default)
    {
        byte[] buffer = new byte[(int)Math.Min(piece, Math.Max(1, to - from))];
        while (from < to)
        {
            int count = (int)Math.Min(buffer.Length, to - from);
            CopyTo(from, buffer.AsSpan(0, count));
            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            from += count;
        }
    }

    /// <summary>Reads exactly a stretch out of a pipe and checks it.</summary>
    public async Task ReceiveAsync(PipeReader reader, long from, long to, CancellationToken cancellationToken = default)
    {
        while (from < to)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, to - from));
            from += Check(from, buffer);
            reader.AdvanceTo(buffer.End);
            Assert.False(result.IsCompleted && from < to, $"The stream ended at {from} instead of {to}.");
        }
    }

    /// <summary>Reads a pipe to its end and checks it.</summary>
    /// <returns>Where it ended.</returns>
    public async Task<long> ReceiveToEndAsync(PipeReader reader, long from = 0, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken);
            from += Check(from, result.Buffer);
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return from;
            }
        }
    }

    /// <summary>Reads a stream to its end and checks it.</summary>
    /// <returns>Where it ended.</returns>
    public async Task<long> ReceiveToEndAsync(Stream stream, long from = 0, CancellationToken cancellationToken = default)
    {
        byte[] buffer = new byte[50_000];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            Assert.True(Matches(from, buffer.AsSpan(0, read)), $"Wrong bytes between {from} and {from + read}.");
            from += read;
        }

        return from;
    }

    private ReadOnlySpan<byte> At(long offset, int most)
    {
        int start = (int)((offset + ((long)seed * 7919)) % Period);
        return Block.AsSpan(start, Math.Min(most, Period - start));
    }

    private static byte[] MakeBlock()
    {
        byte[] block = new byte[Period];
        new Random(20250701).NextBytes(block);
        return block;
    }
}
