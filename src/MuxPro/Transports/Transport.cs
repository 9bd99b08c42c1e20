using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Diagnostics;

namespace MuxPro.Transports;

/// <summary>The byte stream below a main connection, as the two loops use it: one receive and one send at a time, side by side.</summary>
internal abstract class Transport(ILogger log) : IAsyncDisposable
{
    private readonly ILogger _log = log;

    /// <summary>The address of the other end, for messages.</summary>
    public virtual EndPoint? RemoteEndPoint => null;

    /// <summary>Chooses the fastest way that a link allows.</summary>
    /// <param name="link">The link.</param>
    /// <param name="log">Is told of what does not close in order.</param>
    public static Transport Create(Link link, ILogger log)
    {
        if (link is not StreamLink { Socket: { } socket } stream)
        {
            return new StreamTransport(link, tuning: null, log);
        }

        var tuning = new SocketTuning(socket);
        tuning.Apply();
        return stream.AsStream() is NetworkStream ? new SocketTransport(link, socket, tuning, log)
            : new StreamTransport(link, tuning, log);
    }

    /// <summary>Receives some bytes; 0 is the end of the stream.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Sends a whole batch.</summary>
    public abstract ValueTask SendAsync(SendBatch batch);

    /// <summary>Tells the other end that nothing more comes.</summary>
    public abstract ValueTask CompleteWritesAsync();

    /// <summary>
    /// Ends both directions at once; whatever is under way fails. Never throws: the link may be anybody's, and what cannot even be closed
    /// is closed for us.
    /// </summary>
    public void Abort()
    {
        try
        {
            AbortLink();
        }
        catch (Exception exception)
        {
            _log.TransportCloseFailed(exception);
        }
    }

    /// <summary>Asks the kernel what it knows of the connection, and adapts to it; all zero where it is not asked.</summary>
    public virtual TcpFigures Look() => default;

    /// <summary>Grows while sends are under way and the transport takes bytes: a send that takes long but moves is no dead peer.</summary>
    public virtual long BytesTaken => 0;

    /// <summary>Lets go of the link. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await DisposeLinkAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _log.TransportCloseFailed(exception);
        }
    }

    protected abstract void AbortLink();

    protected abstract ValueTask DisposeLinkAsync();
}
