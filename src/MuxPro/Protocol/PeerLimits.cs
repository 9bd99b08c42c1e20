using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <summary>What an end of a main connection takes (SPEC 8, Limits), sent once right after the negotiation.</summary>
/// <remarks>
/// <code>
/// n x ( | key (1) | value (4) | )     01: sub-connections, 02: initial window, 03: datagram
/// </code>
/// </remarks>
public readonly record struct PeerLimits()
{
    /// <summary>What the protocol gives every sub-connection in each direction (SPEC 6.3.6).</summary>
    public const int DefaultInitialWindow = 64 * 1024;

    /// <summary>The most bytes that a UDP datagram over IPv4 carries (SPEC 7.2).</summary>
    public const int DefaultMaxDatagram = 65_507;

    // Room for many keys that are not known yet; what is beyond is not read.
    internal const int MaxLength = 51 * EntryLength;

    private const int EntryLength = 5;
    private const byte KeyMaxSessions = 1;
    private const byte KeyInitialWindow = 2;
    private const byte KeyMaxDatagram = 3;

    /// <summary>Most sub-connections that may be open at once.</summary>
    public int MaxSessions { get; init; } = ushort.MaxValue;

    /// <summary>The first credit of each sub-connection, at least 65,536 bytes.</summary>
    public int InitialWindow { get; init; } = DefaultInitialWindow;

    /// <summary>Largest datagram in bytes.</summary>
    public int MaxDatagram { get; init; } = DefaultMaxDatagram;

    /// <summary>Reads a list. Keys that are not known, values out of range and an entry that is cut off change nothing.</summary>
    /// <param name="list">The Extra Data.</param>
    /// <returns>The limits.</returns>
    public static PeerLimits Read(ReadOnlySequence<byte> list)
    {
        var limits = new PeerLimits();
        Span<byte> entry = stackalloc byte[EntryLength];
        while (list.Length >= EntryLength)
        {
            list.Slice(0, EntryLength).CopyTo(entry);
            list = list.Slice(EntryLength);
            int value = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(entry[1..]));
            limits = entry[0] switch
            {
                KeyMaxSessions => limits with { MaxSessions = Math.Min(value, ushort.MaxValue) },

                // SPEC 8: "at least 65,536".
                KeyInitialWindow => limits with { InitialWindow = Math.Max(value, DefaultInitialWindow) },
                KeyMaxDatagram => limits with { MaxDatagram = Math.Min(value, DefaultMaxDatagram) },
                _ => limits,
            };
        }

        return limits;
    }

    /// <returns>How many bytes were written: nothing for a limit that is the protocol's own.</returns>
    internal int Write(Span<byte> span)
    {
        int length = 0;
        Add(span, ref length, KeyMaxSessions, MaxSessions, ushort.MaxValue);
        Add(span, ref length, KeyInitialWindow, InitialWindow, DefaultInitialWindow);
        Add(span, ref length, KeyMaxDatagram, MaxDatagram, DefaultMaxDatagram);
        return length;
    }

    private static void Add(Span<byte> span, ref int length, byte key, int value, int usual)
    {
        if (value != usual)
        {
            span[length] = key;
            BinaryPrimitives.WriteUInt32BigEndian(span[(length + 1)..], (uint)value);
            length += EntryLength;
        }
    }
}
