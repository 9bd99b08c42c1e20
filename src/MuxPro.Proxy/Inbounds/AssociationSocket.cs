using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// The UDP socket of an association: takes datagrams from one socket of one application, and sends to it. It has a place in the budget
/// for as long as it is open. One receiver; any number of senders.
/// </summary>
internal sealed class AssociationSocket : IDisposable
{
    // What comes while a main connection is dialled waits here.
    private const int KernelBuffer = 1024 * 1024;

    private readonly Socket _socket;
    private readonly IPAddress _peer;
    private readonly int _peerPort;
    private readonly SocketAddress _from;
    private readonly byte[] _peeked = new byte[1];
    private SocketAddress? _source;
    private byte[]? _buffer;
    private long _foreign;

    private AssociationSocket(Socket socket, IPAddress peer, int peerPort)
    {
        _socket = socket;
        _peer = peer;
        _peerPort = peerPort;
        _from = new SocketAddress(socket.AddressFamily);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where the application sends to.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The application's socket, once something came from it.</summary>
    public IPEndPoint? Source { get; private set; }

    /// <summary>Datagrams that came from elsewhere.</summary>
    public long Foreign => Volatile.Read(ref _foreign);

    /// <summary>Datagrams that the kernel had no room for; 0 where it does not say.</summary>
    public long DroppedByKernel => KernelDrops.Of(_socket) ?? 0;

    /// <param name="local">The address that the application reached us at.</param>
    /// <param name="peer">The application's address.</param>
    /// <param name="peerPort">The application's port, or 0 for the first one that something comes from.</param>
    /// <param name="budget">Most sockets at once.</param>
    /// <exception cref="SessionException">No place is free.</exception>
    /// <exception cref="SocketException">No port is free.</exception>
    public static AssociationSocket Bind(IPAddress local, IPAddress peer, int peerPort, SocketBudget budget)
    {
        Socket socket = CountedSocket.ForDatagrams(local.AddressFamily, budget);
        try
        {
            socket.ReceiveBufferSize = KernelBuffer;
            socket.Bind(new IPEndPoint(local, 0));
            return new AssociationSocket(socket, peer, peerPort);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next datagram of the application, with its SOCKS head; valid until the next receive.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (_socket.Available == 0)
                {
                    // An idle association holds no buffer.
                    Return();
                    await _socket.ReceiveFromAsync(_peeked, SocketFlags.Peek, _from, cancellationToken);
                }

                _buffer ??= ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxLength);
                int length = await _socket.ReceiveFromAsync(_buffer, SocketFlags.None, _from, cancellationToken);
                if (IsFromApplication())
                {
                    return _buffer.AsMemory(0, length);
                }

                Interlocked.Increment(ref _foreign);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.MessageSize or SocketError.ConnectionReset)
            {
                // Elsewhere than on Linux: a peek that is shorter than the datagram; an earlier answer that found no socket.
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Sends an answer to the application.</summary>
    /// <returns>Whether the kernel took it.</returns>
    public async ValueTask<bool> SendAsync(Datagram answer, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHead + answer.Data.Length);
        try
        {
            int head = SocksDatagram.WriteHead(answer.Address, buffer);
            answer.Data.Span.CopyTo(buffer.AsSpan(head));
            int length = head + answer.Data.Length;
            if (length > DatagramLink.MaxDatagram)
            {
                return false;
            }

            await _socket.SendToAsync(buffer.AsMemory(0, length), SocketFlags.None, _source!, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Call it when no receive goes on.</summary>
    public void Dispose()
    {
        Return();
        _socket.Dispose();
    }

    private bool IsFromApplication()
    {
        if (_source is not null)
        {
            return _source.Equals(_from);
        }

        var from = (IPEndPoint)EndPoint.Create(_from);
        if (!from.Address.Equals(_peer) || (_peerPort != 0 && from.Port != _peerPort))
        {
            return false;
        }

        Source = from;
        _source = from.Serialize();
        return true;
    }

    private void Return()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }
}
