namespace MuxPro.Proxy.Inbounds;

/// <summary>A UDP datagram between an application and a SOCKS5 proxy (RFC 1928 7): <c>| reserved (2) | fragment | address | data |</c>.</summary>
internal static class SocksDatagram
{
    /// <summary>The most that an application's datagram can have, head and data together, over IPv6.</summary>
    public const int MaxLength = 65_536;

    /// <summary>The longest head.</summary>
    public const int MaxHead = Prefix + SocksAddress.MaxLength;

    /// <summary>Where the address starts.</summary>
    public const int Prefix = 3;

    /// <summary>How many bytes come before the data.</summary>
    /// <returns>
    /// The length, or 0 where it is no datagram that is carried here: cut off, with something in the reserved bytes, of an unknown address type, or
    /// a fragment. Putting fragments together is optional in RFC 1928, and no application is known to need it.
    /// </returns>
    public static int MeasureHead(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < Prefix || datagram[0] != 0 || datagram[1] != 0 || datagram[2] != 0)
        {
            return 0;
        }

        int address = SocksAddress.Measure(datagram[Prefix..]);
        return address == 0 ? 0 : Prefix + address;
    }

    /// <summary>Writes what comes before the data to a buffer of at least <see cref="MaxHead"/> bytes.</summary>
    /// <param name="source">Where the data comes from.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>How many bytes it took.</returns>
    public static int WriteHead(Destination source, Span<byte> buffer)
    {
        buffer[..Prefix].Clear();
        return Prefix + SocksAddress.Write(source, buffer[Prefix..]);
    }
}

/// <summary>
/// The destinations that an application sends to, by the bytes of their address: a flow sends to few, and a datagram should not cost an
/// object. Not safe to use from many threads.
/// </summary>
internal sealed class SocksDestinations
{
    private const int Slots = 16;

    private readonly (byte[] Address, Destination Destination)[] _slots = new (byte[], Destination)[Slots];

    /// <summary>Reads an address that <see cref="SocksAddress.Measure"/> has found.</summary>
    /// <returns>The destination, or <see langword="null"/> where the domain is no domain name.</returns>
    public Destination? Find(ReadOnlySpan<byte> address)
    {
        var hash = new HashCode();
        hash.AddBytes(address);
        ref (byte[] Address, Destination Destination) slot = ref _slots[(uint)hash.ToHashCode() % Slots];
        if (slot.Address is not null && address.SequenceEqual(slot.Address))
        {
            return slot.Destination;
        }

        Destination? destination = SocksAddress.Read(address, Network.Udp);
        if (destination is not null)
        {
            slot = (address.ToArray(), destination);
        }

        return destination;
    }
}
