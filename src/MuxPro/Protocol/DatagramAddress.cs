using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <summary>The address that stands before a datagram (SPEC 7.2), in a Keep with <see cref="FrameOptions.UdpAddress"/>.</summary>
/// <remarks>
/// <code>
/// | 02 | port (2) | type (1) | address | [GlobalID (8), if the New had one] | datagram
/// </code>
/// It costs no credit (SPEC 6.3.6): subtract <see cref="Length"/> from the length of the payload.
/// </remarks>
/// <param name="Destination">Where the datagram goes to (from a client), or comes from (from a server).</param>
/// <param name="GlobalId">The flow's GlobalID, or 0.</param>
/// <param name="Length">How many bytes stand before the datagram.</param>
public readonly record struct DatagramAddress(Destination Destination, ulong GlobalId, int Length)
{
    /// <summary>The most bytes that can stand before a datagram.</summary>
    public const int MaxLength = 1 + DestinationCodec.MaxLength + 8;

    /// <summary>How many bytes stand before a datagram with this address.</summary>
    /// <param name="destination">The datagram's address.</param>
    /// <param name="globalId">The flow's GlobalID, or 0.</param>
    /// <returns>The number of bytes.</returns>
    public static int GetLength(Destination destination, ulong globalId = 0)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return 1 + DestinationCodec.GetLength(destination) + (globalId == 0 ? 0 : 8);
    }

    /// <summary>Reads the address from the start of a payload.</summary>
    /// <param name="payload">The whole payload, or at least its first <see cref="MaxLength"/> bytes.</param>
    /// <param name="hasGlobalId">Whether the New of the flow had a GlobalID, so that the Keep has it too.</param>
    /// <param name="address">The address.</param>
    /// <param name="fault">
    /// What is wrong, if the result is <see langword="false"/>: the sub-connection has to end with <see cref="ErrorCode.ProtocolError"/>.
    /// </param>
    /// <returns>Whether there was an address.</returns>
    public static bool TryRead(ReadOnlySequence<byte> payload, bool hasGlobalId, out DatagramAddress address, out FrameError fault)
    {
        if (payload.IsSingleSegment)
        {
            return TryRead(payload.FirstSpan, hasGlobalId, out address, out fault);
        }

        Span<byte> copy = stackalloc byte[(int)Math.Min(payload.Length, MaxLength)];
        payload.Slice(0, copy.Length).CopyTo(copy);
        return TryRead(copy, hasGlobalId, out address, out fault);
    }

    /// <inheritdoc cref="TryRead(ReadOnlySequence{byte}, bool, out DatagramAddress, out FrameError)"/>
    public static bool TryRead(ReadOnlySpan<byte> payload, bool hasGlobalId, out DatagramAddress address, out FrameError fault)
    {
        address = default;
        if (payload.IsEmpty)
        {
            fault = new FrameError(FrameErrorKind.DatagramTruncated, 0);
            return false;
        }

        // SPEC 7.2: the address starts with 02. This is the form that the prototype writes, not the one that it reads.
        if (payload[0] != (byte)Network.Udp)
        {
            fault = new FrameError(FrameErrorKind.DatagramNetwork, payload[0]);
            return false;
        }

        if (!DestinationCodec.TryRead(Network.Udp, payload[1..], out Destination? destination, out int length, out fault))
        {
            if (fault.Kind == FrameErrorKind.AddressTruncated)
            {
                fault = new FrameError(FrameErrorKind.DatagramTruncated, payload.Length);
            }

            return false;
        }

        length++;
        ulong globalId = 0;
        if (hasGlobalId)
        {
            if (payload.Length < length + 8)
            {
                fault = new FrameError(FrameErrorKind.DatagramTruncated, payload.Length);
                return false;
            }

            globalId = BinaryPrimitives.ReadUInt64BigEndian(payload[length..]);
            length += 8;
        }

        address = new DatagramAddress(destination, globalId, length);
        return true;
    }

    /// <summary>Tells the address apart from the datagram without making an object of an address that is known.</summary>
    /// <param name="payload">The whole payload.</param>
    /// <param name="hasGlobalId">Whether the New of the flow had a GlobalID, so that the Keep has it too.</param>
    /// <param name="known">Addresses that were read before; has this one afterwards.</param>
    /// <param name="raw">Port, type and address.</param>
    /// <param name="length">How many bytes stand before the datagram.</param>
    /// <param name="fault">What is wrong, if the result is <see langword="false"/>.</param>
    /// <returns>Whether there was an address.</returns>
    internal static bool TrySplit(
        ReadOnlySpan<byte> payload, bool hasGlobalId, RecentAddresses known, out ReadOnlySpan<byte> raw, out int length,
        out FrameError fault)
    {
        int globalId = hasGlobalId ? 8 : 0;
        if (DestinationCodec.TryGetLength(payload.Length > 0 ? payload[1..] : default, out int address))
        {
            raw = payload.Slice(1, address);
            length = 1 + address + globalId;
            fault = default;
            if (payload[0] == (byte)Network.Udp && payload.Length >= length && known.Contains(raw))
            {
                return true;
            }
        }

        raw = default;
        length = 0;
        if (!TryRead(payload, hasGlobalId, out DatagramAddress read, out fault))
        {
            return false;
        }

        length = read.Length;
        raw = payload[1..(length - globalId)];
        _ = known.Find(raw);
        return true;
    }

    /// <returns>How many bytes were written: <see cref="GetLength"/>.</returns>
    internal static int Write(Destination destination, ulong globalId, Span<byte> span)
    {
        span[0] = (byte)Network.Udp;
        int length = 1 + DestinationCodec.Write(destination, span[1..]);
        if (globalId != 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(span[length..], globalId);
            length += 8;
        }

        return length;
    }
}
