using System.Net.Sockets;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// The end of a connection that is told why: a socket closed with bytes unread would send a reset, and the word could be lost to it.
/// </summary>
internal static class LastWord
{
    private const int MaxDrain = 256 * 1024;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Says a last word and reads what is still on its way, for a moment. The caller closes.</summary>
    public static Task SayAsync(Link link, ReadOnlyMemory<byte> word, TimeProvider time, CancellationToken stopping)
        => SayAsync(link, new HandshakeReader(link.AsStream()), word, time, stopping);

    /// <summary>The same, where a reader of the link may wait for a read that it has begun.</summary>
    public static async Task SayAsync(
        Link link, HandshakeReader reader, ReadOnlyMemory<byte> word, TimeProvider time, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(DrainTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            if (!word.IsEmpty)
            {
                await link.AsStream().WriteAsync(word, either.Token);
            }

            await link.Output.CompleteAsync();
            int drained = 0;
            do
            {
                drained += reader.Buffered.Length;
                reader.Consume(reader.Buffered.Length);
            }
            while (drained < MaxDrain && await reader.FillAsync(either.Token));
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other end did not wait for it.
        }
    }
}
