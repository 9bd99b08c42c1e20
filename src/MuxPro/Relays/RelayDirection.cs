using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>One direction of a relay: copies until the source ends, then completes the target's output.</summary>
/// <remarks>Streams are used as they are and pipes as they are, so that a byte is copied once at most on its way through.</remarks>
internal sealed class RelayDirection(Link source, Link target)
{
    // Between two streams: what one system call fetches. Larger buffers gain nothing measurable and leave the processor's cache.
    private const int CopyBuffer = 64 * 1024;

    // Less room than this at the end of a pipe's segment is not worth a system call of its own.
    private const int MinimumRead = 2 * 1024;

    // A window of the source may be megabytes: give room back to it, and let the target say that it has enough, before all is copied.
    private const int Batch = 64 * 1024;

    /// <summary>Bytes that the target took.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether the target is being written to; otherwise the source is being read. Tells who failed.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>Copies until the end.</summary>
    /// <returns>Whether all was taken; <see langword="false"/> when the target's reader is gone.</returns>
    public Task<bool> CopyAsync(CancellationToken cancellationToken) => (source, target) switch
    {
        (StreamLink from, StreamLink to) => CopyAsync(from.AsStream(), to.AsStream(), cancellationToken),
        (StreamLink from, _) => CopyAsync(from.AsStream(), target.Output, cancellationToken),
        (_, StreamLink to) => CopyAsync(source.Input, to.AsStream(), cancellationToken),
        _ => CopyAsync(source.Input, target.Output, cancellationToken),
    };

    /// <summary>Tells the target that nothing more comes.</summary>
    public ValueTask CompleteAsync()
    {
        IsWriting = true;
        return target is StreamLink stream ? stream.CompleteWritesAsync() : target.Output.CompleteAsync();
    }

    /// <summary>A socket is closed when the relay stops, which ends its read: it need not be told by a token too, at each read.</summary>
    private static CancellationToken TokenFor(Stream source, CancellationToken cancellationToken)
        => source is NetworkStream ? CancellationToken.None : cancellationToken;

    private async Task<bool> CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        // Not given back after a failure: what went wrong may include a stream that still uses it.
        byte[]? buffer = null;
        CancellationToken reading = TokenFor(from, cancellationToken);
        while (true)
        {
            if (buffer is null)
            {
                await from.ReadAsync(Memory<byte>.Empty, reading).ConfigureAwait(false);
                buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
            }

            int read = await from.ReadAsync(buffer, reading).ConfigureAwait(false);
            if (read > 0)
            {
                IsWriting = true;
                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                await to.FlushAsync(cancellationToken).ConfigureAwait(false);
                IsWriting = false;
                Bytes += read;
            }

            if (read < buffer.Length)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = null;
            }

            if (read == 0)
            {
                return true;
            }
        }
    }

    private async Task<bool> CopyAsync(Stream from, PipeWriter to, CancellationToken cancellationToken)
    {
        bool more = false;
        CancellationToken reading = TokenFor(from, cancellationToken);
        while (true)
        {
            if (!more)
            {
                await from.ReadAsync(Memory<byte>.Empty, reading).ConfigureAwait(false);
            }

            IsWriting = true;
            Memory<byte> memory = to.GetMemory(MinimumRead);
            IsWriting = false;
            int read = await from.ReadAsync(memory, reading).ConfigureAwait(false);
            if (read == 0)
            {
                return true;
            }

            more = read == memory.Length;
            IsWriting = true;
            to.Advance(read);
            FlushResult flushed = await to.FlushAsync(cancellationToken).ConfigureAwait(false);
            IsWriting = false;
            if (flushed.IsCompleted)
            {
                return false;
            }

            Bytes += read;
        }
    }

    private async Task<bool> CopyAsync(PipeReader from, Stream to, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await from.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            long written = 0;
            foreach (ReadOnlyMemory<byte> segment in buffer)
            {
                IsWriting = true;
                await to.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
                IsWriting = false;
                written += segment.Length;
                if (written >= Batch)
                {
                    break;
                }
            }

            if (written > 0)
            {
                IsWriting = true;
                await to.FlushAsync(cancellationToken).ConfigureAwait(false);
                IsWriting = false;
                Bytes += written;
            }

            bool last = result.IsCompleted && written == buffer.Length;
            from.AdvanceTo(buffer.GetPosition(written));
            if (last)
            {
                return true;
            }
        }
    }

    private async Task<bool> CopyAsync(PipeReader from, PipeWriter to, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await from.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> part = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, Batch));
            long length = part.Length;
            bool last = result.IsCompleted && length == result.Buffer.Length;
            IsWriting = true;
            foreach (ReadOnlyMemory<byte> segment in part)
            {
                to.Write(segment.Span);
            }

            IsWriting = false;
            from.AdvanceTo(part.End);
            if (length > 0)
            {
                IsWriting = true;
                FlushResult flushed = await to.FlushAsync(cancellationToken).ConfigureAwait(false);
                IsWriting = false;
                if (flushed.IsCompleted)
                {
                    return false;
                }

                Bytes += length;
            }

            if (last)
            {
                return true;
            }
        }
    }
}
