using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Routing;

/// <summary>Values by network. A lookup costs one probe for each length of prefix that occurs, however many networks there are.</summary>
internal sealed class PrefixMap<T>
{
    private const int IPv4Bits = 32;
    private const int IPv6Bits = 128;

    private readonly Dictionary<(bool IsV6, int Length, UInt128 Bits), T> _values = [];
    private readonly SortedSet<int> _lengthsV4 = [];
    private readonly SortedSet<int> _lengthsV6 = [];
    private int[] _probesV4 = [];
    private int[] _probesV6 = [];

    public int Count => _values.Count;

    /// <summary>Gets the value of a network, or makes it.</summary>
    public T GetOrAdd(IPNetwork network, Func<T> make)
    {
        (bool isV6, UInt128 bits) = BitsOf(network.BaseAddress);
        var key = (isV6, network.PrefixLength, Masked(isV6, bits, network.PrefixLength));
        if (!_values.TryGetValue(key, out T? value))
        {
            _values[key] = value = make();
            if ((isV6 ? _lengthsV6 : _lengthsV4).Add(network.PrefixLength))
            {
                (_probesV4, _probesV6) = ([.. _lengthsV4], [.. _lengthsV6]);
            }
        }

        return value;
    }

    /// <summary>
    /// The lengths of prefix that occur in an address's family, the shortest first: what <see cref="TryGet"/> has to be asked for.
    /// </summary>
    public ReadOnlySpan<int> LengthsFor(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? _probesV6 : _probesV4;

    /// <summary>Finds the value of the network that an address is part of.</summary>
    /// <param name="address">The address; not an IPv4 address in IPv6's clothes.</param>
    /// <param name="length">The network's length.</param>
    /// <param name="value">The value.</param>
    public bool TryGet(IPAddress address, int length, [MaybeNullWhen(false)] out T value)
    {
        (bool isV6, UInt128 bits) = BitsOf(address);
        return _values.TryGetValue((isV6, length, Masked(isV6, bits, length)), out value);
    }

    private static UInt128 Masked(bool isV6, UInt128 bits, int length)
    {
        int rest = (isV6 ? IPv6Bits : IPv4Bits) - length;
        return length == 0 ? UInt128.Zero : bits >> rest << rest;
    }

    private static (bool IsV6, UInt128 Bits) BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? (true, BinaryPrimitives.ReadUInt128BigEndian(bytes))
            : (false, BinaryPrimitives.ReadUInt32BigEndian(bytes[..length]));
    }
}
