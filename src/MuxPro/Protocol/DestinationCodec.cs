using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MuxPro.Protocol;

/// <summary>Port, type and address (SPEC 6.3.2), as they stand in a New and before a datagram (SPEC 7.2).</summary>
/// <remarks>
/// <code>
/// | port (2) | 01 | IPv4 (4) |
/// | port (2) | 02 | length (1) | domain (length) |
/// | port (2) | 03 | IPv6 (16) |
/// </code>
/// </remarks>
internal static class DestinationCodec
{
    /// <summary>The most that port, type and address take: a domain of 255 bytes.</summary>
    public const int MaxLength = 2 + 1 + 1 + 255;

    private const byte TypeIPv4 = 1;
    private const byte TypeDomain = 2;
    private const byte TypeIPv6 = 3;

    private static readonly SearchValues<byte> DomainBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    // What an IPv6 address is written with. The platform's parser also takes brackets, ports and names of interfaces:
    // no address here.
    private static readonly SearchValues<byte> IPv6Bytes = SearchValues.Create("ABCDEFabcdef0123456789:."u8);

    public static int GetLength(Destination destination) => 3 + (destination switch
    {
        { Domain: { } domain } => 1 + domain.Length,
        { Address.AddressFamily: AddressFamily.InterNetworkV6 } => 16,
        _ => 4,
    });

    /// <summary>
    /// How many bytes port, type and address take, where they are whole and the type is known; what they say is not looked at.
    /// </summary>
    public static bool TryGetLength(ReadOnlySpan<byte> fields, out int length)
    {
        length = fields.Length < 4 ? int.MaxValue : fields[2] switch
        {
            TypeIPv4 => 3 + 4,
            TypeIPv6 => 3 + 16,
            TypeDomain => 4 + fields[3],
            _ => int.MaxValue,
        };
        return length <= fields.Length;
    }

    /// <summary>The last UDP addresses of a flow, for those that were read without a fault before.</summary>
    public static RecentAddresses NewRecentAddresses()
        => new(static fields => TryRead(Network.Udp, fields, out Destination? destination, out _, out _) ? destination : null);

    /// <returns>How many bytes were written: <see cref="GetLength"/>.</returns>
    public static int Write(Destination destination, Span<byte> span)
    {
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)destination.Port);
        if (destination.Domain is { } domain)
        {
            span[2] = TypeDomain;
            span[3] = (byte)domain.Length;
            return 4 + Encoding.ASCII.GetBytes(domain, span[4..]);
        }

        destination.Address!.TryWriteBytes(span[3..], out int length);
        span[2] = length == 4 ? TypeIPv4 : TypeIPv6;
        return 3 + length;
    }

    /// <summary>Reads from the start of <paramref name="fields"/>; what follows the address is left alone.</summary>
    public static bool TryRead(
        Network network, ReadOnlySpan<byte> fields, [NotNullWhen(true)] out Destination? destination, out int length, out FrameError fault)
    {
        destination = null;
        length = 0;
        if (fields.Length < 3)
        {
            return Fail(FrameErrorKind.AddressTruncated, fields.Length, out fault);
        }

        int port = BinaryPrimitives.ReadUInt16BigEndian(fields);
        byte type = fields[2];
        ReadOnlySpan<byte> address = fields[3..];
        int size;
        switch (type)
        {
            case TypeIPv4:
                size = 4;
                break;
            case TypeIPv6:
                size = 16;
                break;
            case TypeDomain when address.Length > 0:
                size = address[0];
                address = address[1..];
                break;
            case TypeDomain:
                return Fail(FrameErrorKind.AddressTruncated, fields.Length, out fault);
            default:
                // SPEC 6.3.2: an address of an unknown type has no known end, so the frame cannot be trusted.
                return Fail(FrameErrorKind.UnknownAddressType, type, out fault);
        }

        // SPEC 6.3.2: "an address that runs past the metadata".
        if (address.Length < size)
        {
            return Fail(FrameErrorKind.AddressTruncated, fields.Length, out fault);
        }

        length = fields.Length - address.Length + size;
        address = address[..size];
        if (type != TypeDomain)
        {
            var ip = new IPAddress(address);
            destination = network == Network.Udp ? Destination.Udp(ip, port) : Destination.Tcp(ip, port);
            fault = default;
            return true;
        }

        return TryReadDomain(network, address, port, out destination, out fault);
    }

    // SPEC 6.3.2: "1 to 255 bytes of letters, digits, -, _, .; one that reads as an IP address is taken as that address".
    private static bool TryReadDomain(
        Network network, ReadOnlySpan<byte> domain, int port, [NotNullWhen(true)] out Destination? destination, out FrameError fault)
    {
        destination = null;
        fault = default;
        if (domain.IsEmpty)
        {
            return Fail(FrameErrorKind.DomainEmpty, 0, out fault);
        }

        int wrong = domain.IndexOfAnyExcept(DomainBytes);
        if ((wrong < 0 || !domain.ContainsAnyExcept(IPv6Bytes))
            && Destination.TryCreate(network, Encoding.ASCII.GetString(domain), port, out destination))
        {
            return true;
        }

        return Fail(FrameErrorKind.DomainCharacter, wrong < 0 ? 0 : domain[wrong], out fault);
    }

    private static bool Fail(FrameErrorKind kind, int value, out FrameError fault)
    {
        fault = new FrameError(kind, value);
        return false;
    }
}
