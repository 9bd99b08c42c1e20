using System.Buffers.Binary;
using System.Net;
using System.Text;
using MuxPro.Protocol;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Socks;

/// <summary>How SOCKS5 writes an address (RFC 1928 5): <c>| type | address | port (2) |</c>.</summary>
internal static class SocksAddress
{
    public const byte IPv4 = 0x01;
    public const byte Domain = 0x03;
    public const byte IPv6 = 0x04;

    /// <summary>The longest one: a domain of 255 bytes.</summary>
    public const int MaxLength = 1 + 1 + 255 + 2;

    /// <summary>How many bytes the address at the start has.</summary>
    /// <returns>The length, or 0 where there is no whole address.</returns>
    public static int Measure(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2)
        {
            return 0;
        }

        int length = bytes[0] switch
        {
            IPv4 => 1 + 4 + 2,
            IPv6 => 1 + 16 + 2,
            Domain => 1 + 1 + bytes[1] + 2,
            _ => int.MaxValue,
        };
        return length <= bytes.Length ? length : 0;
    }

    /// <summary>The last destinations of an application's datagrams, by addresses that <see cref="Measure"/> has found.</summary>
    public static RecentAddresses NewRecentAddresses()
        => new(static address => Read(address, Network.Udp));

    /// <summary>Reads one that <see cref="Measure"/> has found.</summary>
    /// <inheritdoc cref="Read(byte, ReadOnlySpan{byte}, Network)"/>
    public static Destination? Read(ReadOnlySpan<byte> address, Network network)
        => Read(address[0], address[(address[0] == Domain ? 2 : 1)..], network);

    /// <summary>Reads what comes after the type, and after the length of a domain.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="rest">Address and port.</param>
    /// <param name="network">Stream or datagrams.</param>
    /// <returns>The destination, or <see langword="null"/> where the domain is no domain name.</returns>
    public static Destination? Read(byte type, ReadOnlySpan<byte> rest, Network network)
    {
        int port = BinaryPrimitives.ReadUInt16BigEndian(rest[^2..]);
        ReadOnlySpan<byte> host = rest[..^2];
        if (type == Domain)
        {
            return Destination.TryCreate(network, Encoding.Latin1.GetString(host), port, out Destination? destination) ? destination : null;
        }

        var ip = new IPAddress(host);
        return network == Network.Udp ? Destination.Udp(ip, port) : Destination.Tcp(ip, port);
    }

    /// <summary>Writes a destination to a buffer of at least <see cref="MaxLength"/> bytes.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int Write(Destination destination, Span<byte> buffer)
    {
        int end;
        if (destination.Address is { } address)
        {
            Addresses.Plain(address).TryWriteBytes(buffer[1..], out int written);
            buffer[0] = written == 4 ? IPv4 : IPv6;
            end = 1 + written;
        }
        else
        {
            buffer[0] = Domain;
            buffer[1] = (byte)Encoding.ASCII.GetBytes(destination.Domain!, buffer[2..]);
            end = 2 + buffer[1];
        }

        BinaryPrimitives.WriteUInt16BigEndian(buffer[end..], (ushort)destination.Port);
        return end + 2;
    }
}
