using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Most connections of one address that have not said yet who they are. Safe to use from many threads.</summary>
internal sealed class HandshakeLimit(int limit)
{
    // Who has one IPv6 address has its whole network (RFC 4291 2.5.4).
    private const int NetworkBytes = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _open = []; // guarded by _gate

    /// <summary>Takes a place where there is one; each needs its <see cref="Leave"/>.</summary>
    public bool TryEnter(IPAddress address)
    {
        IPAddress key = KeyOf(address);
        lock (_gate)
        {
            int open = _open.GetValueOrDefault(key);
            if (open >= limit)
            {
                return false;
            }

            _open[key] = open + 1;
            return true;
        }
    }

    public void Leave(IPAddress address)
    {
        IPAddress key = KeyOf(address);
        lock (_gate)
        {
            if (--_open[key] == 0)
            {
                _open.Remove(key);
            }
        }
    }

    private static IPAddress KeyOf(IPAddress address)
    {
        address = Addresses.Plain(address);
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes);
    }
}
