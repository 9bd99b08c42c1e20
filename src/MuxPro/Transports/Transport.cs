using System.Net;
using System.Net.Sockets;
using MuxPro.Buffers;
using MuxPro.Core;

namespace MuxPro.Transports;

/// <summary>The byte stream below a main connection, as the two loops use it: one receive and one send at a time, side by side.</summary>
internal abstract class Transport : IAsyncDisposable
{
    /// <summary>The address of the other end, for messages.</summary>
    public virtual EndPoint? RemoteEndPoint => null;

    /// <summary>Chooses the fastest way that a link allows.</summary>
    public static Transport Create(Link link)
    {
        if (link is not StreamLink { Socket: { } socket } stream)
        {
            return new StreamTransport(link, tuning: null);
        }

        var tuning = new SocketTuning(socket);
        tuning.Apply();
        return stream.AsStream() is NetworkStream ? new SocketTransport(link, socket, tuning) : new StreamTransport(link, tuning);
    }

    /// <summary>Receives some bytes; 0 is the end of the stream.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>Sends a whole batch.</summary>
    public abstract ValueTask SendAsync(SendBatch batch);

    /// <summary>Tells the other end that nothing more comes.</summary>
    public abstract ValueTask CompleteWritesAsync();

    /// <summary>Ends both directions at once; whatever is under way fails.</summary>
    public abstract void Abort();

    /// <summary>Asks the kernel what it knows of the connection, and adapts to it; all zero where it is not asked.</summary>
    public virtual TcpFigures Look() => default;

    /// <summary>Grows while sends are under way and the transport takes bytes: a send that takes long but moves is no dead peer.</summary>
    public virtual long BytesTaken => 0;

    public abstract ValueTask DisposeAsync();
}
