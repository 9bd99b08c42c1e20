using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Socks;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>An application that sends and receives datagrams by SOCKS5.</summary>
internal sealed class SocksUdpClient : IDisposable
{
    private readonly Socket _connection;
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[65_536];

    private SocksUdpClient(Socket connection, Socket socket, IPEndPoint relay)
    {
        _connection = connection;
        _socket = socket;
        Relay = relay;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public IPEndPoint Relay { get; }

    public Socket Connection => _connection;

    /// <summary>Datagrams that the kernel had no room for.</summary>
    public long KernelDrops => Support.KernelDrops.Of(_socket);

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public static async Task<SocksUdpClient> ConnectAsync(IPEndPoint proxy)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 * 1024 * 1024 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (Socket connection, byte[] answer) = await AskAsync(proxy, IPAddress.Any, 0);
        Assert.Equal("05000001", Convert.ToHexString(answer.AsSpan(0, 4)));
        return new SocksUdpClient(connection, socket, new IPEndPoint(new IPAddress(answer.AsSpan(4, 4)), (answer[8] << 8) | answer[9]));
    }

    /// <summary>Asks for an association.</summary>
    /// <returns>The connection, and the ten bytes of the answer.</returns>
    public static async Task<(Socket Connection, byte[] Answer)> AskAsync(IPEndPoint proxy, IPAddress from, int port)
    {
        var connection = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await connection.ConnectAsync(proxy, Cancel);
        var stream = new NetworkStream(connection);
        await stream.WriteAsync(new byte[] { 5, 1, 0 }, Cancel);
        byte[] method = new byte[2];
        await stream.ReadExactlyAsync(method, Cancel);
        await stream.WriteAsync((byte[])[5, 3, 0, 1, .. from.GetAddressBytes(), (byte)(port >> 8), (byte)port], Cancel);
        byte[] answer = new byte[10];
        await stream.ReadExactlyAsync(answer, Cancel);
        return (connection, answer);
    }

    public ValueTask<int> SendAsync(Destination target, byte[] data)
    {
        byte[] head = new byte[SocksDatagram.MaxHead];
        int length = SocksDatagram.WriteHead(target, head);
        return SendRawAsync([.. head[..length], .. data]);
    }

    public ValueTask<int> SendRawAsync(byte[] datagram) => _socket.SendToAsync(datagram, SocketFlags.None, Relay, Cancel);

    public async Task<(Destination Source, byte[] Data)> ReceiveAsync(CancellationToken? until = null)
    {
        int length = await _socket.ReceiveAsync(_buffer, SocketFlags.None, until ?? Cancel);
        int head = SocksDatagram.MeasureHead(_buffer.AsSpan(0, length));
        Assert.NotEqual(0, head);
        return (SocksAddress.Read(_buffer.AsSpan(SocksDatagram.Prefix, head - SocksDatagram.Prefix), Network.Udp)!, _buffer[head..length]);
    }

    /// <summary>Waits until the proxy has closed the connection.</summary>
    public async Task ClosedAsync()
    {
        try
        {
            Assert.Equal(0, await _connection.ReceiveAsync(new byte[1], SocketFlags.None, Cancel));
        }
        catch (SocketException)
        {
            // Reset: closed too.
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _socket.Dispose();
    }
}
