using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <content>Mux.Cool's frames (SPEC 9): the same layout with other fields.</content>
public partial struct FrameReader
{
    // SPEC 9: "End with Opt bit 02 for error".
    private const FrameOptions CoolError = (FrameOptions)0x02;

    // None is carried: the one in the middle.
    private const byte CoolPriority = 128;

    // | L | ID (2) | State (1) | Opt (1) | fields (L - 4) [| length (2) | data]     data where Opt has bit 01, in every state
    private FrameReadStatus ParseCool(
        ref ReadOnlySequence<byte> buffer, scoped ReadOnlySpan<byte> head, int metadata, bool whole, out Frame frame, out FrameError error)
    {
        frame = default;
        error = default;
        ushort id = BinaryPrimitives.ReadUInt16BigEndian(head[2..]);
        var type = (FrameType)head[4];
        var options = (FrameOptions)head[5];
        if (type is < FrameType.New or > FrameType.KeepAlive)
        {
            return Malformed(FrameErrorKind.UnknownState, (int)type, out error);
        }

        bool hasData = (options & FrameOptions.Data) != 0;
        int headLength = 2 + metadata + (hasData ? 2 : 0);
        if (head.Length < headLength)
        {
            return FrameReadStatus.NeedMoreData;
        }

        int dataLength = hasData ? BinaryPrimitives.ReadUInt16BigEndian(head[(headLength - 2)..]) : 0;
        FrameOptions known = options & FrameOptions.Data;
        if (type is FrameType.End or FrameType.KeepAlive)
        {
            // SPEC 9: data behind these "may be carried, to be dropped", and is not waited for.
            frame = new Frame
            {
                Type = type,
                Id = id,
                ErrorCode = type == FrameType.End && (options & CoolError) != 0 ? ErrorCode.RemoteDisconnect : ErrorCode.GracefulShutdown,
            };
            _skip = dataLength;
            buffer = buffer.Slice(headLength);
            return FrameReadStatus.Frame;
        }

        int length = headLength + (whole ? dataLength : 0);
        if (buffer.Length < length)
        {
            return FrameReadStatus.NeedMoreData;
        }

        ReadOnlySequence<byte> data = whole ? buffer.Slice(headLength, dataLength) : default;
        frame = type == FrameType.New
            ? ParseCoolNew(id, known, head[(2 + MinMetadata)..(2 + metadata)], dataLength, data)
            : ParseKeep(id, known, dataLength, data);
        buffer = buffer.Slice(length);
        return FrameReadStatus.Frame;
    }

    // | network (1) | port (2) | type (1) | address |, and what may follow is Xray's
    private static Frame ParseCoolNew(
        ushort id, FrameOptions options, scoped ReadOnlySpan<byte> fields, int dataLength, ReadOnlySequence<byte> data)
    {
        Destination? destination = null;
        FrameError fault;
        if (fields.IsEmpty)
        {
            fault = new FrameError(FrameErrorKind.AddressTruncated, 0);
        }
        else if (fields[0] is not ((byte)Network.Tcp or (byte)Network.Udp))
        {
            fault = new FrameError(FrameErrorKind.UnknownNetwork, fields[0]);
        }
        else
        {
            _ = DestinationCodec.TryRead((Network)fields[0], fields[1..], out destination, out _, out fault);
        }

        return new Frame
        {
            Type = FrameType.New,
            Id = id,
            Options = options,
            Priority = CoolPriority,
            Destination = destination,
            Fault = fault,
            DataLength = dataLength,
            Data = data,
        };
    }
}
