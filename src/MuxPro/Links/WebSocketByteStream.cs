using System.Net.WebSockets;

namespace MuxPro;

/// <summary>
/// What a <see cref="WebSocketStream"/> lacks to be the stream of a link: after its end it can be read again, which is 0 again, and what
/// fails is an <see cref="IOException"/>.
/// </summary>
internal sealed class WebSocketByteStream(WebSocketStream stream) : DuplexStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (stream.WebSocket.State is WebSocketState.CloseReceived or WebSocketState.Closed)
        {
            return 0;
        }

        try
        {
            return await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            throw Failure(exception);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await stream.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsFailure(exception))
        {
            throw Failure(exception);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
        }

        base.Dispose(disposing);
    }

    // NotSupportedException is what an aborted or closed WebSocket's stream throws.
    private static bool IsFailure(Exception exception) => exception is WebSocketException or NotSupportedException;

    private static IOException Failure(Exception exception) => new($"The WebSocket failed: {exception.Message}", exception);
}
