using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <content>One method per frame that has fields of its own.</content>
public partial struct FrameReader
{
    // SPEC 6.3.1, as it is sent:       | 0004 | 0000 00 01 | length (2) | N (1) | N x version (4) |
    //            as the draft draws it: | 0005 | 0000 00 01 | N (1) | length (2) | N x version (4) |
    //            and with N in both places.
    private FrameReadStatus ParseNegotiateVersion(
        ref ReadOnlySequence<byte> buffer, scoped ReadOnlySpan<byte> fields, FrameOptions options, int headLength, int dataLength,
        out Frame frame, out FrameError error)
    {
        frame = default;
        error = default;
        NegotiationForm form = NegotiationForm.CountInData;
        int count = 0;
        if (fields.Length > 0)
        {
            count = fields[0];
            if (count == 0)
            {
                return Malformed(FrameErrorKind.NegotiationEmpty, 0, out error);
            }

            if (dataLength < 4 * count)
            {
                return Malformed(FrameErrorKind.NegotiationLength, dataLength, out error);
            }

            // A list that fills its Extra Data leaves no room for a second count. Otherwise the next byte decides.
            form = NegotiationForm.CountInMetadata;
        }

        if (dataLength == 0)
        {
            return Malformed(FrameErrorKind.NegotiationLength, dataLength, out error);
        }

        if (form == NegotiationForm.CountInData || dataLength > 4 * count)
        {
            if (buffer.Length <= headLength)
            {
                return FrameReadStatus.NeedMoreData;
            }

            byte inData = buffer.Slice(headLength).FirstSpan[0];
            if (form == NegotiationForm.CountInData || inData == count)
            {
                form = NegotiationForm.CountInData;
                count = inData;
                if (count == 0)
                {
                    return Malformed(FrameErrorKind.NegotiationEmpty, 0, out error);
                }

                if (dataLength < 1 + (4 * count))
                {
                    return Malformed(FrameErrorKind.NegotiationLength, dataLength, out error);
                }
            }
        }

        int listStart = headLength + (form == NegotiationForm.CountInData ? 1 : 0);
        int listEnd = listStart + (4 * count);
        if (buffer.Length < listEnd)
        {
            return FrameReadStatus.NeedMoreData;
        }

        frame = new Frame
        {
            Type = FrameType.NegotiateVersion,
            Options = options,
            Form = form,
            Data = buffer.Slice(listStart, 4 * count),
        };

        // SPEC 6.3.1: "Bytes after the list are ignored" - and not waited for.
        _skip = headLength + dataLength - listEnd;
        buffer = buffer.Slice(listEnd);
        return FrameReadStatus.Frame;
    }

    // SPEC 6.3.2: | L | ID (2) | 01 | Opt | network (1) | priority (1) | port (2) | type (1) | address [| GlobalID (8)]
    //             [| length (2) | payload]
    private static Frame ParseNew(
        ushort id, FrameOptions options, scoped ReadOnlySpan<byte> fields, int dataLength, ReadOnlySequence<byte> data)
    {
        Destination? destination = null;
        ulong globalId = 0;
        FrameError fault;
        byte priority = fields.Length < 2 ? (byte)0 : fields[1];
        if (fields.IsEmpty)
        {
            fault = new FrameError(FrameErrorKind.AddressTruncated, 0);
        }
        else if (fields[0] is not ((byte)Network.Tcp or (byte)Network.Udp))
        {
            // SPEC 6.3.2: "Unknown network or address type [..]: End 0003 for that id and its payload is dropped;
            // the main connection lives".
            fault = new FrameError(FrameErrorKind.UnknownNetwork, fields[0]);
        }
        else if (fields.Length < 2)
        {
            fault = new FrameError(FrameErrorKind.AddressTruncated, 0);
        }
        else if (DestinationCodec.TryRead((Network)fields[0], fields[2..], out destination, out int length, out fault))
        {
            // SPEC 7.2: a New of a UDP flow "may carry a GlobalID (8 bytes, not all zero) after the address".
            ReadOnlySpan<byte> rest = fields[(2 + length)..];
            if (destination.Network == Network.Udp && rest.Length >= 8)
            {
                globalId = BinaryPrimitives.ReadUInt64BigEndian(rest);
            }
        }

        return new Frame
        {
            Type = FrameType.New,
            Id = id,
            Options = options,
            Priority = priority,
            Destination = destination,
            GlobalId = globalId,
            Fault = fault,
            DataLength = dataLength,
            Data = data,
        };
    }

    // SPEC 6.3.3: | L | ID (2) | 02 | Opt [| length (2) | payload]
    private static Frame ParseKeep(ushort id, FrameOptions options, int dataLength, ReadOnlySequence<byte> data) => new()
    {
        Type = FrameType.Keep,
        Id = id,
        Options = options,
        DataLength = dataLength,
        Data = data,
    };

    // SPEC 6.3.4: | L | ID (2) | 03 | Opt [| error code (2), if D] [| 0000, if D, or not]
    private Frame ParseEnd(ushort id, FrameOptions options, scoped ReadOnlySpan<byte> fields)
    {
        _emptyDataMayFollow = (options & FrameOptions.Data) != 0;

        // SPEC 6.3.4: "D with L = 4: End without a code". One byte is no code either. Without D, what stands there is no code.
        bool hasCode = _emptyDataMayFollow && fields.Length >= 2;
        return new Frame
        {
            Type = FrameType.End,
            Id = id,
            Options = options,
            ErrorCode = hasCode ? (ErrorCode)BinaryPrimitives.ReadUInt16BigEndian(fields) : ErrorCode.GracefulShutdown,

            // SPEC 8: | code (2) | detail (1) |. In the other versions it is metadata beyond the known fields.
            Detail = hasCode && IsPrivate && fields.Length > 2 ? (FailureDetail)fields[2] : FailureDetail.None,
        };
    }

    // SPEC 6.3.5: | 0004 | ID (2) | 04 | 00 |     SPEC 8: | 000c | ID (2) | 04 | 10 or 20 | token (8) |
    private static Frame ParseKeepAlive(ushort id, FrameOptions options, scoped ReadOnlySpan<byte> fields) => new()
    {
        Type = FrameType.KeepAlive,
        Id = id,
        Options = options,
        Token = options == FrameOptions.None ? 0 : BinaryPrimitives.ReadUInt64BigEndian(fields),
    };

    // SPEC 8: | 0004 | last id taken (2) | 06 | 01 | length (2) | code (2) | text (UTF-8, at most 255) |
    private FrameReadStatus ParseGoAway(
        ref ReadOnlySequence<byte> buffer, ushort id, FrameOptions options, int headLength, int dataLength, out Frame frame)
    {
        int read = Math.Min(dataLength, 2 + FrameWriter.MaxGoAwayText);
        if (buffer.Length < headLength + read)
        {
            frame = default;
            return FrameReadStatus.NeedMoreData;
        }

        // What it is about is the id; a code that is missing is none.
        Span<byte> code = stackalloc byte[2];
        code.Clear();
        buffer.Slice(headLength, Math.Min(read, 2)).CopyTo(code);
        frame = new Frame
        {
            Type = FrameType.GoAway,
            Id = id,
            Options = options,
            ErrorCode = read < 2 ? ErrorCode.GracefulShutdown : (ErrorCode)BinaryPrimitives.ReadUInt16BigEndian(code),
            Data = read > 2 ? buffer.Slice(headLength + 2, read - 2) : default,
        };
        _skip = dataLength - read;
        buffer = buffer.Slice(headLength + read);
        return FrameReadStatus.Frame;
    }

    // SPEC 6.3.6: | L | ID (2) | 05 | 01 | 0004 | increment (4) |     or, accepted only, | 0002 | increment (2) |
    private FrameReadStatus ParseCreditUpdate(
        ref ReadOnlySequence<byte> buffer, ushort id, FrameOptions options, int headLength, int dataLength, out Frame frame)
    {
        FrameError fault = default;
        uint credit = 0;
        if (id == 0 && IsPrivate)
        {
            return ParseLimits(ref buffer, options, headLength, dataLength, out frame);
        }

        if (dataLength is 2 or 4)
        {
            if (buffer.Length < headLength + dataLength)
            {
                frame = default;
                return FrameReadStatus.NeedMoreData;
            }

            Span<byte> increment = stackalloc byte[4];
            buffer.Slice(headLength, dataLength).CopyTo(increment[(4 - dataLength)..]);
            credit = BinaryPrimitives.ReadUInt32BigEndian(increment);
            if (credit == 0)
            {
                fault = new FrameError(FrameErrorKind.CreditZero, 0);
            }

            headLength += dataLength;
        }
        else
        {
            // SPEC 6.3.6: "no D, another length, or an increment of 0: the sub-connection ends with 0003". What follows is not waited for.
            fault = (options & FrameOptions.Data) == 0
                ? new FrameError(FrameErrorKind.CreditWithoutData, (int)options)
                : new FrameError(FrameErrorKind.CreditLength, dataLength);
            _skip = dataLength;
        }

        frame = new Frame { Type = FrameType.CreditUpdate, Id = id, Options = options, Credit = credit, Fault = fault };
        buffer = buffer.Slice(headLength);
        return FrameReadStatus.Frame;
    }

    // SPEC 8: | 0004 | 0000 | 05 | 01 | length (2) | n x ( key (1) | value (4) ) |
    private FrameReadStatus ParseLimits(
        ref ReadOnlySequence<byte> buffer, FrameOptions options, int headLength, int dataLength, out Frame frame)
    {
        int read = Math.Min(dataLength, PeerLimits.MaxLength);
        if (buffer.Length < headLength + read)
        {
            frame = default;
            return FrameReadStatus.NeedMoreData;
        }

        frame = new Frame { Type = FrameType.CreditUpdate, Options = options, Data = buffer.Slice(headLength, read) };
        _skip = dataLength - read;
        buffer = buffer.Slice(headLength + read);
        return FrameReadStatus.Frame;
    }

    private static FrameReadStatus Malformed(FrameErrorKind kind, int value, out FrameError error)
    {
        error = new FrameError(kind, value);
        return FrameReadStatus.Malformed;
    }
}
