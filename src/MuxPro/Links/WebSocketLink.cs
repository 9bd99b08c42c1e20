using System.Net;
using System.Net.WebSockets;

namespace MuxPro;

/// <summary>A link over a WebSocket. The close handshake is the end of the stream, one frame per direction.</summary>
internal sealed class WebSocketLink(WebSocket socket, EndPoint? remoteEndPoint)
    : StreamLink(new WebSocketByteStream(WebSocketStream.Create(socket, WebSocketMessageType.Binary, CloseTimeout)), socket: null)
{
    // How long disposing waits for the other end's close frame.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    public override EndPoint? RemoteEndPoint => remoteEndPoint;

    public static async ValueTask<Link> ConnectAsync(
        Uri address, Action<ClientWebSocketOptions>? configure, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        try
        {
            configure?.Invoke(socket.Options);
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            return new WebSocketLink(socket, new DnsEndPoint(address.IdnHost, address.Port));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override async ValueTask CompleteWritesAsync()
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (exception is WebSocketException or IOException or InvalidOperationException or OperationCanceledException)
        {
            // The other end is gone, or was told already.
        }
    }

    public override void Abort(Exception? reason = null)
    {
        // First: disposing the stream of a WebSocket that is not aborted waits for the close handshake.
        socket.Abort();
        base.Abort(reason);
    }

    private protected override void Shutdown() => _ = CompleteWritesAsync().AsTask();
}
