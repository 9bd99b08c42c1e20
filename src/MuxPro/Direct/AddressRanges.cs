using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Which addresses are not of the public internet (IANA special-purpose registries, RFC 6890).</summary>
internal static class AddressRanges
{
    private static readonly (IPNetwork Range, string Name)[] SpecialV4 =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "this network (RFC 1122)"),
        (IPNetwork.Parse("10.0.0.0/8"), "private (RFC 1918)"),
        (IPNetwork.Parse("100.64.0.0/10"), "shared by carriers (RFC 6598)"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback (RFC 1122)"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local (RFC 3927)"),
        (IPNetwork.Parse("172.16.0.0/12"), "private (RFC 1918)"),
        (IPNetwork.Parse("192.0.0.0/24"), "protocol assignments (RFC 6890)"),
        (IPNetwork.Parse("192.0.2.0/24"), "documentation (RFC 5737)"),
        (IPNetwork.Parse("192.88.99.0/24"), "former 6to4 relays (RFC 7526)"),
        (IPNetwork.Parse("192.168.0.0/16"), "private (RFC 1918)"),
        (IPNetwork.Parse("198.18.0.0/15"), "benchmarking (RFC 2544)"),
        (IPNetwork.Parse("198.51.100.0/24"), "documentation (RFC 5737)"),
        (IPNetwork.Parse("203.0.113.0/24"), "documentation (RFC 5737)"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast (RFC 5771)"),
        (IPNetwork.Parse("255.255.255.255/32"), "broadcast (RFC 919)"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved (RFC 1112)"),
    ];

    private static readonly (IPNetwork Range, string Name)[] SpecialV6 =
    [
        (IPNetwork.Parse("::/128"), "unspecified (RFC 4291)"),
        (IPNetwork.Parse("::1/128"), "loopback (RFC 4291)"),
        (IPNetwork.Parse("::/96"), "IPv4-compatible (RFC 4291)"),
        (IPNetwork.Parse("64:ff9b:1::/48"), "local translation (RFC 8215)"),
        (IPNetwork.Parse("100::/64"), "discard (RFC 6666)"),
        (IPNetwork.Parse("2001::/32"), "Teredo (RFC 4380)"),
        (IPNetwork.Parse("2001:2::/48"), "benchmarking (RFC 5180)"),
        (IPNetwork.Parse("2001::/23"), "protocol assignments (RFC 2928)"),
        (IPNetwork.Parse("2001:db8::/32"), "documentation (RFC 3849)"),
        (IPNetwork.Parse("3fff::/20"), "documentation (RFC 9637)"),
        (IPNetwork.Parse("5f00::/16"), "segment routing (RFC 9602)"),
        (IPNetwork.Parse("fc00::/7"), "private (RFC 4193)"),
        (IPNetwork.Parse("fe80::/10"), "link-local (RFC 4291)"),
        (IPNetwork.Parse("fec0::/10"), "site-local (RFC 3879)"),
        (IPNetwork.Parse("ff00::/8"), "multicast (RFC 4291)"),
    ];

    // Forms of IPv6 that carry an IPv4 address beside the mapped one, and the byte where it starts: what counts is where the packets end
    // up.
    private static readonly (IPNetwork Range, int Offset)[] CarriersOfV4 =
    [
        (IPNetwork.Parse("::ffff:0:0:0/96"), 12), // IPv4-translated (RFC 2765)
        (IPNetwork.Parse("64:ff9b::/96"), 12), // NAT64 (RFC 6052)
        (IPNetwork.Parse("2002::/16"), 2), // 6to4 (RFC 3056)
    ];

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>
    /// An IPv4 address inside an IPv6 one (<c>::ffff:192.0.2.1</c>, RFC 4291 2.5.5.2) as what it is; any other address as it is.
    /// </summary>
    internal static IPAddress Unmapped(this IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Names the range that keeps an address from being public.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <returns>The range and its RFC, or <see langword="null"/> for a public address.</returns>
    internal static string? NotPublic(IPAddress address)
    {
        address = address.Unmapped();
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return Find(SpecialV4, address);
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return "neither IPv4 nor IPv6";
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        foreach ((IPNetwork range, int offset) in CarriersOfV4)
        {
            if (range.Contains(address))
            {
                return Find(SpecialV4, new IPAddress(bytes.Slice(offset, 4)));
            }
        }

        return Find(SpecialV6, address) ?? (GlobalUnicast.Contains(address) ? null : "unassigned (RFC 4291)");
    }

    private static string? Find((IPNetwork Range, string Name)[] table, IPAddress address)
    {
        foreach ((IPNetwork range, string name) in table)
        {
            if (range.Contains(address))
            {
                return name;
            }
        }

        return null;
    }
}
