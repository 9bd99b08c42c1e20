using System.Net;
using System.Net.Sockets;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>A target on this machine, with a socket of its own.</summary>
internal sealed class UdpPeer : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    public UdpPeer(string address = "127.0.0.1")
    {
        var own = IPAddress.Parse(address);
        _socket = new Socket(own.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1024 * 1024 };
        _socket.Bind(new IPEndPoint(own, 0));
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public Destination Destination => Destination.Udp(EndPoint.Address, EndPoint.Port);

    /// <summary>How many bytes the next datagram has; 0 when none waits.</summary>
    public int Available => _socket.Available;

    public async Task<(byte[] Data, IPEndPoint Source)> ReceiveAsync()
    {
        var any = new IPEndPoint(EndPoint.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        SocketReceiveFromResult result = await _socket
            .ReceiveFromAsync(_buffer, SocketFlags.None, any, TestContext.Current.CancellationToken).Guarded();
        return (_buffer[..result.ReceivedBytes], (IPEndPoint)result.RemoteEndPoint);
    }

    public void Send(byte[] data, EndPoint target) => _socket.SendTo(data, target);

    /// <summary>Sends to the port of a flow.</summary>
    public void Send(byte[] data, UdpLink flow)
        => Send(data, new IPEndPoint(
            EndPoint.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, flow.LocalEndPoint.Port));

    public void Dispose() => _socket.Dispose();
}
