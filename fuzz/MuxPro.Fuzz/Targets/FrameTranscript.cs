using System.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Fuzz;

/// <summary>A frame that outlives its bytes, to compare with others.</summary>
internal sealed record FrameSnapshot(
    FrameType Type, ushort Id, FrameOptions Options = FrameOptions.None, Destination? Destination = null, byte Priority = 0,
    ulong GlobalId = 0,
    ErrorCode ErrorCode = ErrorCode.GracefulShutdown, uint Credit = 0, FrameError Fault = default, string Versions = "", string Data = "",
    FailureDetail Detail = FailureDetail.None, ulong Token = 0)
{
    public static FrameSnapshot Of(Frame frame) => Of(frame, frame.Type == FrameType.NegotiateVersion ? [] : frame.Data.ToArray());

    public static FrameSnapshot Of(Frame frame, byte[] payload)
    {
        var versions = new List<string>();
        for (int i = 0; i < frame.VersionCount; i++)
        {
            versions.Add(frame.GetVersion(i).ToString());
        }

        return new FrameSnapshot(
            frame.Type, frame.Id, frame.Options, frame.Destination, frame.Priority, frame.GlobalId, frame.ErrorCode, frame.Credit,
            frame.Fault,
            versions.Count == 0 ? "" : $"{frame.Form}: {string.Join(", ", versions)}", Convert.ToHexStringLower(payload), frame.Detail,
            frame.Token);
    }
}

/// <summary>All that a <see cref="FrameReader"/> makes of the bytes of one direction, and how it ended.</summary>
internal sealed record FrameTranscript(IReadOnlyList<FrameSnapshot> Frames, FrameReadStatus Status, FrameError Error)
{
    /// <summary>Feeds the chunks one after the other, as a connection does: each call sees what was left and what is new.</summary>
    /// <param name="chunks">The bytes.</param>
    /// <param name="wholeFrames">Whether frames are read with their payload, or payload apart from heads.</param>
    /// <param name="reader">A reader that has read nothing yet, of what is spoken.</param>
    public static FrameTranscript Read(IEnumerable<Memory<byte>> chunks, bool wholeFrames, FrameReader reader = default)
    {
        var frames = new List<FrameSnapshot>();
        var pending = new List<Memory<byte>>();
        FrameSnapshot? open = null;
        int missing = 0;
        foreach (Memory<byte> chunk in chunks)
        {
            pending.Add(chunk);
            ReadOnlySequence<byte> buffer = ByteSegments.Join(pending);
            FrameReadStatus status;
            FrameError error;
            while (true)
            {
                if (open is not null)
                {
                    ReadOnlySequence<byte> part = buffer.Slice(0, Math.Min(missing, buffer.Length));
                    open = open with { Data = open.Data + Convert.ToHexStringLower(part.ToArray()) };
                    missing -= (int)part.Length;
                    buffer = buffer.Slice(part.End);
                    if (missing > 0)
                    {
                        break;
                    }

                    frames.Add(open);
                    open = null;
                }

                status = wholeFrames
                    ? reader.TryRead(ref buffer, out Frame frame, out error)
                    : reader.TryReadHead(ref buffer, out frame, out error);
                if (status == FrameReadStatus.Malformed)
                {
                    return new FrameTranscript(frames, status, error);
                }

                if (status == FrameReadStatus.NeedMoreData)
                {
                    break;
                }

                if (wholeFrames)
                {
                    frames.Add(FrameSnapshot.Of(frame));
                    continue;
                }

                open = FrameSnapshot.Of(frame);
                missing = frame.DataLength;
            }

            pending = [.. Parts(buffer)];
        }

        return new FrameTranscript(frames, FrameReadStatus.NeedMoreData, default);
    }

    public bool Equals(FrameTranscript? other)
        => other is not null && Status == other.Status && Error == other.Error && Frames.SequenceEqual(other.Frames);

    public override int GetHashCode() => HashCode.Combine(Frames.Count, Status, Error);

    public override string ToString() => string.Join('\n', [.. Frames, $"{Status} {Error}"]);

    private static IEnumerable<Memory<byte>> Parts(ReadOnlySequence<byte> buffer)
    {
        foreach (ReadOnlyMemory<byte> part in buffer)
        {
            yield return part.ToArray();
        }
    }
}
