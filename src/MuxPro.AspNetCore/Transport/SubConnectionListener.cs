using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace MuxPro.AspNetCore.Transport;

/// <summary>Takes the sub-connections of one <see cref="MuxEndPoint"/> for Kestrel.</summary>
internal sealed class SubConnectionListener(MuxEndPoint endPoint, SubConnectionRouter router) : IConnectionListener
{
    // No more wait than sub-connections may be open; Kestrel takes them at once.
    private readonly Channel<ConnectionContext> _accepted =
        Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    public MuxEndPoint EndPoint => endPoint;

    EndPoint IConnectionListener.EndPoint => endPoint;

    /// <summary>Hands a connection over, unless the listener has stopped.</summary>
    public bool TryAdd(ConnectionContext connection) => _accepted.Writer.TryWrite(connection);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        => await _accepted.Reader.WaitToReadAsync(cancellationToken) && _accepted.Reader.TryRead(out ConnectionContext? connection)
            ? connection
            : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        router.Remove(this);
        _accepted.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_accepted.Reader.TryRead(out ConnectionContext? connection))
        {
            connection.Abort(new ConnectionAbortedException("The server stopped before it took the connection."));
            await connection.DisposeAsync();
        }
    }
}
