namespace MuxPro.MacroBench;

/// <summary>A number that one or several tasks add to.</summary>
internal sealed class Counter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public void Add(long count) => Interlocked.Add(ref _value, count);
}

/// <summary>One stream of a multiplexer, reduced to what the workloads need.</summary>
internal abstract class BenchStream
{
    /// <summary>Sends a few bytes at once.</summary>
    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> bytes);

    /// <returns>The bytes read, 0 at the end of the stream.</returns>
    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer);

    public abstract ValueTask CloseAsync();

    /// <summary>Writes a chunk again and again. A loop of its own, so that what is measured is the peer's writing and no wrapper.</summary>
    public abstract Task WriteForEverAsync(ReadOnlyMemory<byte> chunk, Counter written);

    /// <summary>Reads to the end of the stream, in the way that suits the peer.</summary>
    public abstract Task ReadToEndAsync(Counter read);

    public async ValueTask<bool> TryReadExactlyAsync(Memory<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = await ReadAsync(buffer);
            if (count == 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }
}

/// <summary>The client's end: opens streams over the main connection.</summary>
internal interface IStreamOpener
{
    ValueTask<BenchStream> OpenAsync(byte priority);
}

internal static class Multiplexers
{
    public static Task ServeAsync(Options options, Func<BenchStream, Task> handle) => options.Peer switch
    {
        "net-raw" or "net-raw-tls" => Peers.RawTcp.ServeAsync(options, handle),
        "muxpro" or "muxpro-tls" or "muxpro-stream" => Peers.MuxProPeer.ServeAsync(options, handle),
        "net-nerdbank" or "net-nerdbank-tls" => Peers.NerdbankPeer.ServeAsync(options, handle),
        "net-http2" => Peers.Http2Peer.ServeAsync(options, handle),
        _ => throw new ArgumentException($"unknown peer \"{options.Peer}\""),
    };

    public static async Task<IStreamOpener> ConnectAsync(Options options) => options.Peer switch
    {
        "net-raw" or "net-raw-tls" => new Peers.RawTcp(options),
        "muxpro" or "muxpro-tls" or "muxpro-stream" => new Peers.MuxProPeer(options),
        "net-nerdbank" or "net-nerdbank-tls" => await Peers.NerdbankPeer.ConnectAsync(options),
        "net-http2" => new Peers.Http2Peer(options),
        _ => throw new ArgumentException($"unknown peer \"{options.Peer}\""),
    };
}
