using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MuxPro.Protocol;

/// <content>What only the private version has (SPEC 8).</content>
public static partial class FrameWriter
{
    /// <summary>The most bytes of text in a GoAway (SPEC 8).</summary>
    public const int MaxGoAwayText = 255;

    /// <summary>Writes the Keep that says that the target is reached (SPEC 8).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    public static void WriteOpened(IBufferWriter<byte> writer, ushort id)
    {
        ArgumentNullException.ThrowIfNull(writer);

        // | 0004 | ID (2) | 02 | 20 |
        Span<byte> span = writer.GetSpan(6);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.Keep, FrameOptions.Opened);
        writer.Advance(6);
    }

    /// <summary>Writes a KeepAlive that asks for an answer (SPEC 8).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="token">What the answer repeats.</param>
    public static void WritePing(IBufferWriter<byte> writer, ulong token) => WriteToken(writer, FrameOptions.Ping, token);

    /// <summary>Writes the answer to a ping (SPEC 8).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="token">The ping's.</param>
    public static void WritePong(IBufferWriter<byte> writer, ulong token) => WriteToken(writer, FrameOptions.Pong, token);

    /// <summary>Writes a GoAway (SPEC 8).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="lastId">The last sub-connection that was taken, or 0.</param>
    /// <param name="code">Why.</param>
    /// <param name="text">Why, for people; what is beyond 255 bytes of UTF-8 is left out.</param>
    public static void WriteGoAway(IBufferWriter<byte> writer, ushort lastId, ErrorCode code, string text)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(text);

        // | 0004 | last id taken (2) | 06 | 01 | length (2) | code (2) | text |
        Span<byte> span = writer.GetSpan(10 + MaxGoAwayText);
        Encoder encoder = Encoding.UTF8.GetEncoder();
        encoder.Convert(text, span.Slice(10, MaxGoAwayText), flush: true, out _, out int length, out _);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, lastId, FrameType.GoAway, FrameOptions.Data);
        BinaryPrimitives.WriteUInt16BigEndian(span[6..], (ushort)(2 + length));
        BinaryPrimitives.WriteUInt16BigEndian(span[8..], (ushort)code);
        writer.Advance(10 + length);
    }

    /// <summary>Writes the CreditUpdate of the main connection, which says what this end takes (SPEC 8).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="limits">The limits; those that are the protocol's own are left out.</param>
    public static void WriteLimits(IBufferWriter<byte> writer, PeerLimits limits)
    {
        ArgumentNullException.ThrowIfNull(writer);

        // | 0004 | 0000 | 05 | 01 | length (2) | n x ( key (1) | value (4) ) |
        Span<byte> span = writer.GetSpan(8 + PeerLimits.MaxLength);
        int length = limits.Write(span[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, 0, FrameType.CreditUpdate, FrameOptions.Data);
        BinaryPrimitives.WriteUInt16BigEndian(span[6..], (ushort)length);
        writer.Advance(8 + length);
    }

    // | 000c | 0000 | 04 | 10 or 20 | token (8) |
    private static void WriteToken(IBufferWriter<byte> writer, FrameOptions options, ulong token)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Span<byte> span = writer.GetSpan(14);
        BinaryPrimitives.WriteUInt16BigEndian(span, 12);
        WriteState(span, 0, FrameType.KeepAlive, options);
        BinaryPrimitives.WriteUInt64BigEndian(span[6..], token);
        writer.Advance(14);
    }
}
