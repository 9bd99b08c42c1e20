using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>The last few sources of a flow, so that a datagram from one of them costs no objects. Not thread-safe: it is the receiver's.</summary>
internal sealed class UdpSources
{
    private const int Most = 16;

    private readonly (SocketAddress Address, Destination Destination)[] _known = new (SocketAddress, Destination)[Most];
    private int _count;
    private int _last;
    private int _next;

    /// <summary>Finds the source that a socket address is.</summary>
    public Destination Find(SocketAddress address)
    {
        if (_last < _count && _known[_last].Address.Equals(address))
        {
            return _known[_last].Destination;
        }

        for (int i = 0; i < _count; i++)
        {
            if (_known[i].Address.Equals(address))
            {
                _last = i;
                return _known[i].Destination;
            }
        }

        return Add(address);
    }

    private Destination Add(SocketAddress address)
    {
        // The socket's own is filled again by the next receive.
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer.Span[..address.Size].CopyTo(copy.Buffer.Span);
        IPAddress any = address.Family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        var endPoint = (IPEndPoint)new IPEndPoint(any, 0).Create(copy);
        IPAddress source = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        var destination = Destination.Udp(source, endPoint.Port);
        _last = _next;
        _known[_next] = (copy, destination);
        _next = (_next + 1) % Most;
        _count = Math.Min(_count + 1, Most);
        return destination;
    }
}
