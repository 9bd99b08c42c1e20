using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MuxPro.Proxy.Inbounds;

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

    /// <summary>Reads one that <see cref="Measure"/> has found.</summary>
    /// <returns>The destination, or <see langword="null"/> where the domain is no domain name.</returns>
    public static Destination? Read(ReadOnlySpan<byte> address, Network network)
    {
        int port = BinaryPrimitives.ReadUInt16BigEndian(address[^2..]);
        ReadOnlySpan<byte> host = address[1..^2];
        if (address[0] == Domain)
        {
            return Destination.TryCreate(network, Encoding.Latin1.GetString(host[1..]), port, out Destination? destination) ? destination : null;
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
            if (address.IsIPv4MappedToIPv6)
            {
                address = address.MapToIPv4();
            }

            address.TryWriteBytes(buffer[1..], out int written);
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
