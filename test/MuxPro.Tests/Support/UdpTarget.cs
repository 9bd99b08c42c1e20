using System.Net;
using System.Net.Sockets;

namespace MuxPro.Tests.Support;

/// <summary>A real UDP socket that flows talk to.</summary>
internal sealed class UdpTarget : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    public UdpTarget(string address = "127.0.0.1")
    {
        var local = new IPEndPoint(IPAddress.Parse(address), 0);
        _socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _socket.Bind(local);
        var bound = (IPEndPoint)_socket.LocalEndPoint!;
        Destination = Destination.Udp(bound.Address, bound.Port);
    }

    public Destination Destination { get; }

    public int Port => Destination.Port;

    /// <summary>Who sent the last datagram.</summary>
    public EndPoint? Source { get; private set; }

    public int Available => _socket.Available;

    public async Task<byte[]> ReceiveAsync()
    {
        SocketReceiveFromResult result = await _socket.ReceiveFromAsync(
            _buffer, SocketFlags.None, new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0),
            TestContext.Current.CancellationToken).Guarded();
        Source = result.RemoteEndPoint;
        return _buffer[..result.ReceivedBytes];
    }

    /// <summary>Sends to who sent last.</summary>
    public void Answer(ReadOnlyMemory<byte> data) => Send(data.Span, Source!);

    public void Send(ReadOnlySpan<byte> data, EndPoint target) => _socket.SendTo(data, SocketFlags.None, target);

    public void Dispose() => _socket.Dispose();
}
