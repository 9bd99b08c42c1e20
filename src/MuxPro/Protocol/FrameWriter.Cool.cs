using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <content>Mux.Cool's frames (SPEC 9). Keep is the same in both.</content>
public static partial class FrameWriter
{
    /// <summary>What peers read at once: longer pieces are cut by some, and kill the main connection at others.</summary>
    internal const int MaxCoolData = 8 * 1024;

    /// <summary>The largest datagram that V2Ray takes: a longer one ends its main connection.</summary>
    internal const int MaxCoolDatagram = 2048;

    /// <summary>Writes a New of Mux.Cool, or its head.</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="id">The sub-connection.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="dataLength">How many bytes of payload follow, or -1 for none.</param>
    internal static void WriteCoolNew(IBufferWriter<byte> writer, ushort id, Destination destination, int dataLength = -1)
    {
        // | L | ID (2) | 01 | Opt | network (1) | port (2) | type (1) | address [| length (2) | payload]
        int length = 2 + 5 + DestinationCodec.GetLength(destination);
        Span<byte> span = writer.GetSpan(length + 2);
        BinaryPrimitives.WriteUInt16BigEndian(span, (ushort)(length - 2));
        WriteState(span, id, FrameType.New, dataLength < 0 ? FrameOptions.None : FrameOptions.Data);
        span[6] = (byte)destination.Network;
        DestinationCodec.Write(destination, span[7..]);
        if (dataLength >= 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span[length..], (ushort)dataLength);
            length += 2;
        }

        writer.Advance(length);
    }

    /// <summary>Writes an End of Mux.Cool: in order or not, there is nothing else to say.</summary>
    internal static void WriteCoolEnd(IBufferWriter<byte> writer, ushort id, bool isError)
    {
        // | 0004 | ID (2) | 03 | 00, or 02 |
        Span<byte> span = writer.GetSpan(6);
        BinaryPrimitives.WriteUInt16BigEndian(span, 4);
        WriteState(span, id, FrameType.End, (FrameOptions)(isError ? 0x02 : 0x00));
        writer.Advance(6);
    }
}
