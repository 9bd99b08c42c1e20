using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <summary>
/// Writes frames. A method that takes a length writes the head alone, and the caller writes that many bytes of payload after it.
/// </summary>
public static partial class FrameWriter
{
    /// <summary>
    /// The most bytes that a frame takes without its payload: a New of a UDP flow to a domain of 255 bytes. The list of a NegotiateVersion
    /// is payload here.
    /// </summary>
    public const int MaxHeadLength = 2 + 6 + DestinationCodec.MaxLength + 8 + 2;

    /// <summary>The most bytes of Extra Data in one frame (SPEC 6).</summary>
    public const int MaxDataLength = ushort.MaxValue;

    /// <summary>Writes a NegotiateVersion (SPEC 6.3.1): the client's list, highest first, or the server's answer.</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="versions">1 to 255 versions.</param>
    /// <param name="form">Where the count goes; an answer has the form of the question.</param>
    public static void WriteNegotiateVersion(
        IBufferWriter<byte> writer, ReadOnlySpan<ProtocolVersion> versions, NegotiationForm form = NegotiationForm.CountInData)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentOutOfRangeException.ThrowIfZero(versions.Length, nameof(versions));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(versions.Length, byte.MaxValue, nameof(versions));

        // | 0004 | 0000 00 01 | length (2) | N (1) | N x version (4) |, or N behind the metadata's 01
        int list = 4 * versions.Length;
        bool inData = form == NegotiationForm.CountInData;
        int length = 2 + 4 + 2 + 1 + list;
        Span<byte> span = writer.GetSpan(length);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(inData ? 4 : 5));
        WriteState(span, 0, FrameType.NegotiateVersion, FrameOptions.Data);
        span[inData ? 8 : 6] = (byte)versions.Length;
        BinaryPrimitives.WriteUInt16BigEndian(span[(inData ? 6 : 7)..], (ushort)(inData ? 1 + list : list));
        for (int i = 0; i < versions.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(span[(9 + (4 * i))..], versions[i].Value);
        }

        writer.Advance(length);
    }

    /// <summary>Writes a New without payload (SPEC 6.3.2).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="globalId">The GlobalID of a UDP flow (SPEC 7.2), or 0 for none.</param>
    public static void WriteNew(IBufferWriter<byte> writer, ushort id, Destination destination, byte priority, ulong globalId = 0)
        => WriteNewHead(writer, id, destination, priority, globalId, dataLength: -1);

    /// <summary>Writes the head of a New with payload (SPEC 6.3.2).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="globalId">The GlobalID of a UDP flow (SPEC 7.2), or 0 for none.</param>
    /// <param name="dataLength">How many bytes of payload follow, 0 to 65,535.</param>
    public static void WriteNew(
        IBufferWriter<byte> writer, ushort id, Destination destination, byte priority, ulong globalId, int dataLength)
    {
        CheckDataLength(dataLength, MaxDataLength);
        WriteNewHead(writer, id, destination, priority, globalId, dataLength);
    }

    /// <summary>Writes the head of a Keep (SPEC 6.3.3).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="dataLength">How many bytes of payload follow, 0 to 65,535.</param>
    public static void WriteKeep(IBufferWriter<byte> writer, ushort id, int dataLength)
        => WriteKeep(writer, id, FrameOptions.Data, dataLength);

    // | 0004 | ID (2) | 02 | 01, or 03 with an address in the payload | length (2) | payload
    internal static void WriteKeep(IBufferWriter<byte> writer, ushort id, FrameOptions options, int dataLength)
    {
        ArgumentNullException.ThrowIfNull(writer);
        CheckDataLength(dataLength, MaxDataLength);
        Span<byte> span = writer.GetSpan(8);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.Keep, options);
        BinaryPrimitives.WriteUInt16BigEndian(span[6..], (ushort)dataLength);
        writer.Advance(8);
    }

    /// <summary>Writes a whole Keep (SPEC 6.3.3).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="data">The payload, 0 to 65,535 bytes.</param>
    public static void WriteKeep(IBufferWriter<byte> writer, ushort id, ReadOnlySpan<byte> data)
    {
        WriteKeep(writer, id, data.Length);
        writer.Write(data);
    }

    /// <summary>Writes the head of a Keep whose datagram has an address of its own (SPEC 7.2), and that address.</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="address">Where the datagram goes to, or comes from.</param>
    /// <param name="globalId">The GlobalID of the New, or 0 if it had none.</param>
    /// <param name="dataLength">How many bytes of datagram follow: with <see cref="DatagramAddress.GetLength"/> at most 65,535.</param>
    public static void WriteDatagram(IBufferWriter<byte> writer, ushort id, Destination address, ulong globalId, int dataLength)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(address);
        CheckUdp(address, nameof(address));
        int prefix = DatagramAddress.GetLength(address, globalId);
        CheckDataLength(dataLength, MaxDataLength - prefix);

        // | 0004 | ID (2) | 02 | 03 | length (2) | 02 | port (2) | type (1) | address [| GlobalID (8)] | datagram
        Span<byte> span = writer.GetSpan(8 + prefix);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.Keep, FrameOptions.Data | FrameOptions.UdpAddress);
        BinaryPrimitives.WriteUInt16BigEndian(span[6..], (ushort)(prefix + dataLength));
        DatagramAddress.Write(address, globalId, span[8..]);
        writer.Advance(8 + prefix);
    }

    /// <summary>Writes an End (SPEC 6.3.4).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="code">Why; <see cref="ErrorCode.GracefulShutdown"/> is written as an End without a code.</param>
    /// <param name="detail">More on why, in the private version (SPEC 8).</param>
    public static void WriteEnd(IBufferWriter<byte> writer, ushort id, ErrorCode code, FailureDetail detail = FailureDetail.None)
    {
        ArgumentNullException.ThrowIfNull(writer);

        // | 0004 | ID (2) | 03 | 00 |, or with a code | 0006 | ID (2) | 03 | 01 | code (2) | 0000 |, or | 0007 | ID (2) | 03 | 01 | code
        // (2) | detail (1) | 0000 | SPEC 6.3.4: the empty Extra Data satisfies both sentences of the draft, and keeps the prototype in
        // step.
        bool hasCode = code != ErrorCode.GracefulShutdown;
        int metadata = !hasCode ? 4 : detail == FailureDetail.None ? 6 : 7;
        int length = 2 + metadata + (hasCode ? 2 : 0);
        Span<byte> span = writer.GetSpan(length);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)metadata);
        WriteState(span, id, FrameType.End, hasCode ? FrameOptions.Data : FrameOptions.None);
        if (hasCode)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span[6..], (ushort)code);
            span[8] = (byte)detail;
            BinaryPrimitives.WriteUInt16BigEndian(span[(length - 2)..], 0);
        }

        writer.Advance(length);
    }

    /// <summary>Writes a KeepAlive (SPEC 6.3.5).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">Any; nobody looks at it.</param>
    public static void WriteKeepAlive(IBufferWriter<byte> writer, ushort id = 0)
    {
        ArgumentNullException.ThrowIfNull(writer);

        // | 0004 | ID (2) | 04 | 00 |
        Span<byte> span = writer.GetSpan(6);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.KeepAlive, FrameOptions.None);
        writer.Advance(6);
    }

    /// <summary>Writes a CreditUpdate (SPEC 6.3.6).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="increment">How many bytes more the other end may send, 1 to 2^31 - 1.</param>
    public static void WriteCreditUpdate(IBufferWriter<byte> writer, ushort id, uint increment)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentOutOfRangeException.ThrowIfZero(increment);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(increment, (uint)int.MaxValue);

        // | 0004 | ID (2) | 05 | 01 | 0004 | increment (4) |
        Span<byte> span = writer.GetSpan(12);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.CreditUpdate, FrameOptions.Data);
        BinaryPrimitives.WriteUInt16BigEndian(span[6..], 4);
        BinaryPrimitives.WriteUInt32BigEndian(span[8..], increment);
        writer.Advance(12);
    }

    // | L | ID (2) | 01 | Opt | network (1) | priority (1) | port (2) | type (1) | address [| GlobalID (8)] [| length (2) | payload]
    // With a length of -1 there is no payload.
    internal static void WriteNewHead(
        IBufferWriter<byte> writer, ushort id, Destination destination, byte priority, ulong globalId, int dataLength)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(destination);
        if (globalId != 0)
        {
            CheckUdp(destination, nameof(destination));
        }

        int length = 2 + 6 + DestinationCodec.GetLength(destination) + (globalId == 0 ? 0 : 8);
        Span<byte> span = writer.GetSpan(length + 2);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(length - 2));
        WriteState(span, id, FrameType.New, dataLength < 0 ? FrameOptions.None : FrameOptions.Data);
        span[6] = (byte)destination.Network;
        span[7] = priority;
        DestinationCodec.Write(destination, span[8..]);
        if (globalId != 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(span[(length - 8)..], globalId);
        }

        if (dataLength >= 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span[length..], (ushort)dataLength);
            length += 2;
        }

        writer.Advance(length);
    }

    private static void WriteState(Span<byte> span, ushort id, FrameType type, FrameOptions options)
    {
        BinaryPrimitives.WriteUInt16BigEndian(span[2..], id);
        span[4] = (byte)type;
        span[5] = (byte)options;
    }

    private static void CheckDataLength(int dataLength, int most)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(dataLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dataLength, most);
    }

    // SPEC 7.2: only a flow of datagrams has a GlobalID, or an address per datagram.
    private static void CheckUdp(Destination destination, string name)
    {
        if (destination.Network != Network.Udp)
        {
            throw new ArgumentException($"'{destination}' is no UDP destination.", name);
        }
    }
}
