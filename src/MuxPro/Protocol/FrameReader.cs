using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <summary>Reads the frames of one direction of a main connection. A mutable value: keep it in a field, and do not copy it.</summary>
/// <remarks>
/// <code>
/// | Metadata length L (2) | ID (2) | State (1) | Opt (1) | fields of the state (L - 4) |
/// | Extra Data length (2) | Extra Data |     where Opt has D, but not in an End
/// </code>
/// Bytes that mean nothing (SPEC 6.3.1, 6.3.6) are taken off the buffer as they arrive, also when the result is
/// <see cref="FrameReadStatus.NeedMoreData"/>. Of a frame, nothing is taken off before the call that returns it.
/// </remarks>
public partial struct FrameReader
{
    // SPEC 6: "4 <= L <= 512, else the main connection is closed".
    private const int MinMetadata = 4;
    private const int MaxMetadata = 512;
    private const int MaxHead = 2 + MaxMetadata + 2;

    // The last frame was an End with D, so its empty Extra Data may follow (SPEC 6.3.4).
    private bool _emptyDataMayFollow;

    // How many bytes of Extra Data are still to come that mean nothing.
    private int _skip;

    /// <summary>The version that was negotiated: <see cref="ProtocolVersion.Private"/> has frames that the others do not.</summary>
    public ProtocolVersion Version { readonly get; set; }

    /// <summary>Whether the frames are Mux.Cool's (SPEC 9).</summary>
    internal bool IsMuxCool { readonly get; set; }

    private readonly bool IsPrivate => Version == ProtocolVersion.Private;

    /// <summary>
    /// Reads a frame up to where the payload of New and Keep starts. The caller takes the <see cref="Frame.DataLength"/> bytes
    /// of payload off the buffer before it reads the next frame, as they arrive. All other frames are read whole.
    /// </summary>
    /// <param name="buffer">The bytes that have arrived; what was read is taken off its start.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="error">What is wrong, if the result is <see cref="FrameReadStatus.Malformed"/>.</param>
    /// <returns>Whether there is a frame.</returns>
    public FrameReadStatus TryReadHead(ref ReadOnlySequence<byte> buffer, out Frame frame, out FrameError error)
        => Read(ref buffer, whole: false, out frame, out error);

    /// <summary>Reads a frame with its payload, which is then <see cref="Frame.Data"/>.</summary>
    /// <inheritdoc cref="TryReadHead"/>
    public FrameReadStatus TryRead(ref ReadOnlySequence<byte> buffer, out Frame frame, out FrameError error)
        => Read(ref buffer, whole: true, out frame, out error);

    private FrameReadStatus Read(ref ReadOnlySequence<byte> buffer, bool whole, out Frame frame, out FrameError error)
    {
        if (_skip > 0 || _emptyDataMayFollow)
        {
            PassMeaningless(ref buffer);
        }

        ReadOnlySpan<byte> first = buffer.FirstSpan;
        return buffer.IsSingleSegment || first.Length >= MaxHead
            ? Parse(ref buffer, first, whole, out frame, out error)
            : ReadSplit(ref buffer, whole, out frame, out error);
    }

    private FrameReadStatus ReadSplit(ref ReadOnlySequence<byte> buffer, bool whole, out Frame frame, out FrameError error)
    {
        Span<byte> head = stackalloc byte[(int)Math.Min(buffer.Length, MaxHead)];
        buffer.Slice(0, head.Length).CopyTo(head);
        return Parse(ref buffer, head, whole, out frame, out error);
    }

    private void PassMeaningless(ref ReadOnlySequence<byte> buffer)
    {
        int skipped = (int)Math.Min(_skip, buffer.Length);
        buffer = buffer.Slice(skipped);
        _skip -= skipped;
        if (!_emptyDataMayFollow || buffer.Length < 2)
        {
            return;
        }

        // SPEC 6.3.4: "after an End with D, a next metadata length of 0, which is never legal, is that empty block".
        _emptyDataMayFollow = false;
        Span<byte> length = stackalloc byte[2];
        buffer.Slice(0, 2).CopyTo(length);
        if (BinaryPrimitives.ReadUInt16BigEndian(length) == 0)
        {
            buffer = buffer.Slice(2);
        }
    }

    // The head holds the start of the buffer: all of it, or at least as much as a head can have.
    private FrameReadStatus Parse(
        ref ReadOnlySequence<byte> buffer, scoped ReadOnlySpan<byte> head, bool whole, out Frame frame, out FrameError error)
    {
        frame = default;
        error = default;
        if (head.Length < 2)
        {
            return FrameReadStatus.NeedMoreData;
        }

        // Judged before anything else is waited for.
        int metadata = BinaryPrimitives.ReadUInt16BigEndian(head);
        if (metadata is < MinMetadata or > MaxMetadata)
        {
            error = new FrameError(metadata < MinMetadata ? FrameErrorKind.MetadataTooShort : FrameErrorKind.MetadataTooLong, metadata);
            return FrameReadStatus.Malformed;
        }

        if (head.Length < 2 + MinMetadata)
        {
            return FrameReadStatus.NeedMoreData;
        }

        if (IsMuxCool)
        {
            return ParseCool(ref buffer, head, metadata, whole, out frame, out error);
        }

        ushort id = BinaryPrimitives.ReadUInt16BigEndian(head[2..]);
        var type = (FrameType)head[4];
        var options = (FrameOptions)head[5];
        error = Check(metadata, id, type, options);
        if (error.Kind != FrameErrorKind.None)
        {
            return FrameReadStatus.Malformed;
        }

        // SPEC 6: "Extra Data follows where Opt has D, in every state but End".
        bool hasData = (options & FrameOptions.Data) != 0 && type != FrameType.End;
        int headLength = 2 + metadata + (hasData ? 2 : 0);
        if (head.Length < headLength)
        {
            return FrameReadStatus.NeedMoreData;
        }

        int dataLength = hasData ? BinaryPrimitives.ReadUInt16BigEndian(head[(headLength - 2)..]) : 0;
        ReadOnlySpan<byte> fields = head[(2 + MinMetadata)..(2 + metadata)];
        switch (type)
        {
            case FrameType.NegotiateVersion:
                return ParseNegotiateVersion(ref buffer, fields, options, headLength, dataLength, out frame, out error);

            case FrameType.CreditUpdate:
                return ParseCreditUpdate(ref buffer, id, options, headLength, dataLength, out frame);

            case FrameType.New or FrameType.Keep:
                int length = headLength + (whole ? dataLength : 0);
                if (buffer.Length < length)
                {
                    return FrameReadStatus.NeedMoreData;
                }

                ReadOnlySequence<byte> data = whole ? buffer.Slice(headLength, dataLength) : default;
                frame = type == FrameType.New
                    ? ParseNew(id, options, fields, dataLength, data)
                    : ParseKeep(id, options, dataLength, data);
                buffer = buffer.Slice(length);
                return FrameReadStatus.Frame;

            case FrameType.GoAway:
                return ParseGoAway(ref buffer, id, options, headLength, dataLength, out frame);

            default:
                frame = type == FrameType.End ? ParseEnd(id, options, fields) : ParseKeepAlive(id, options, fields);
                buffer = buffer.Slice(headLength);
                return FrameReadStatus.Frame;
        }
    }

    // What the first six bytes tell: nothing more is waited for when they are wrong.
    private readonly FrameError Check(int metadata, ushort id, FrameType type, FrameOptions options) => type switch
    {
        // SPEC 6.3.1: "an ID other than 0 closes the main connection"; the list is Extra Data in both forms.
        FrameType.NegotiateVersion when id != 0 => new FrameError(FrameErrorKind.NegotiationId, id),
        FrameType.NegotiateVersion when (options & FrameOptions.Data) == 0
            => new FrameError(FrameErrorKind.NegotiationWithoutData, (int)options),

        // SPEC 6.3.5: "Other Opt, or longer metadata in 0.0/0.1: protocol error, main connection closed".
        // SPEC 8: in the private version a ping or its answer, with "an 8-byte token".
        FrameType.KeepAlive when IsPrivate && options is FrameOptions.Ping or FrameOptions.Pong
            => metadata < MinMetadata + 8 ? new FrameError(FrameErrorKind.KeepAliveLength, metadata) : default,
        FrameType.KeepAlive when options != FrameOptions.None => new FrameError(FrameErrorKind.KeepAliveOptions, (int)options),
        FrameType.KeepAlive when metadata > MinMetadata && !IsPrivate => new FrameError(FrameErrorKind.KeepAliveLength, metadata),

        // SPEC 6: "An unknown State closes the main connection"; GoAway is known to the private version only.
        FrameType.GoAway when IsPrivate => default,
        > FrameType.CreditUpdate => new FrameError(FrameErrorKind.UnknownState, (int)type),
        _ => default,
    };
}
