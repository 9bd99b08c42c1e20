using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Who sent what a UDP socket received, as a destination: the last few are kept, so that another datagram of theirs allocates nothing.</summary>
internal sealed class UdpSources
{
    private const int Size = 8; // a power of two

    private readonly (SocketAddress Address, Destination Source)[] _known = new (SocketAddress, Destination)[Size];
    private readonly IPEndPoint _family;
    private readonly Destination _first;
    private readonly IPEndPoint _firstEndPoint;

    /// <param name="family">The socket's.</param>
    /// <param name="first">The first target as it was asked for: its answers come from it, not from the address of its name.</param>
    /// <param name="address">The address of the first target.</param>
    public UdpSources(AddressFamily family, Destination first, IPAddress address)
    {
        _family = new IPEndPoint(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        _first = first;
        _firstEndPoint = new IPEndPoint(address, first.Port);
    }

    public Destination Find(SocketAddress from)
    {
        ref (SocketAddress Address, Destination Source) entry = ref _known[from.GetHashCode() & (Size - 1)];
        if (entry.Address is null || !entry.Address.Equals(from))
        {
            var copy = new SocketAddress(from.Family, from.Size);
            from.Buffer.Span[..from.Size].CopyTo(copy.Buffer.Span);
            entry = (copy, Read(from));
        }

        return entry.Source;
    }

    private Destination Read(SocketAddress from)
    {
        var endPoint = (IPEndPoint)_family.Create(from);
        if (endPoint.Address.IsIPv4MappedToIPv6)
        {
            endPoint.Address = endPoint.Address.MapToIPv4();
        }

        return endPoint.Equals(_firstEndPoint) ? _first : Destination.Udp(endPoint.Address, endPoint.Port);
    }
}
