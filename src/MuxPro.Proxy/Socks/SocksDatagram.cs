namespace MuxPro.Proxy.Socks;

/// <summary>
/// A UDP datagram between an application and a SOCKS5 proxy (RFC 1928 7): <c>| reserved (2) | fragment | address | data |</c>.
/// </summary>
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
    /// The length, or 0 where it is no datagram that is carried here: cut off, with something in the reserved bytes, of an unknown
    /// address type, or a fragment. Putting fragments together is optional in RFC 1928, and no application is known to need it.
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
