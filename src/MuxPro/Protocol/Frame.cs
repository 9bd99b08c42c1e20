using System.Buffers;
using System.Buffers.Binary;

namespace MuxPro.Protocol;

/// <summary>One frame, as <see cref="FrameReader"/> read it. Its data points into the bytes that it was read from.</summary>
public readonly ref struct Frame
{
    /// <summary>What the frame is.</summary>
    public FrameType Type { get; internal init; }

    /// <summary>The sub-connection; 0 is the main connection's own.</summary>
    public ushort Id { get; internal init; }

    /// <summary>The Opt byte, with bits that are not known.</summary>
    public FrameOptions Options { get; internal init; }

    /// <summary>New: where to. <see langword="null"/> when the frame has a fault.</summary>
    public Destination? Destination { get; internal init; }

    /// <summary>New: 0 is served first, 255 last. 0 when the metadata ends before it.</summary>
    public byte Priority { get; internal init; }

    /// <summary>New of a UDP flow: the id that keeps its public address (SPEC 7.2); 0 means none.</summary>
    public ulong GlobalId { get; internal init; }

    /// <summary>End and GoAway: why. Without a code it is <see cref="ErrorCode.GracefulShutdown"/>.</summary>
    public ErrorCode ErrorCode { get; internal init; }

    /// <summary>End: more on why the target was not reached (SPEC 8, private version).</summary>
    public FailureDetail Detail { get; internal init; }

    /// <summary>
    /// KeepAlive with <see cref="FrameOptions.Ping"/> or <see cref="FrameOptions.Pong"/>: what the answer repeats (SPEC 8, private
    /// version).
    /// </summary>
    public ulong Token { get; internal init; }

    /// <summary>
    /// CreditUpdate: how many bytes more this end may send, at least 1 if there is no fault. What it adds up to saturates (SPEC 6.3.6).
    /// </summary>
    public uint Credit { get; internal init; }

    /// <summary>
    /// Whether the sub-connection has to end with <see cref="ErrorCode.ProtocolError"/>. The main connection lives: the frame's end is
    /// known.
    /// </summary>
    public bool HasFault => Fault.Kind != FrameErrorKind.None;

    /// <summary>What is wrong, if <see cref="HasFault"/>.</summary>
    public FrameError Fault { get; internal init; }

    /// <summary>Whether D is set: an empty datagram is not the same as none (SPEC 6.3.3).</summary>
    public bool HasData => (Options & FrameOptions.Data) != 0;

    /// <summary>
    /// New and Keep: how many bytes of payload follow, also when the frame has a fault; 0 without D, and in all other frames.
    /// </summary>
    public int DataLength { get; internal init; }

    /// <summary>
    /// New and Keep read by <see cref="FrameReader.TryRead"/>: the payload. NegotiateVersion: its versions, 4 bytes each. GoAway: its text.
    /// CreditUpdate with ID 0: its limits, 5 bytes each (<see cref="PeerLimits"/>). Otherwise empty.
    /// </summary>
    public ReadOnlySequence<byte> Data { get; internal init; }

    /// <summary>
    /// NegotiateVersion: which form it has, and the answer should have. One with the count in both places is
    /// <see cref="NegotiationForm.CountInData"/>.
    /// </summary>
    public NegotiationForm Form { get; internal init; }

    /// <summary>NegotiateVersion: how many versions it names, 1 to 255. 0 for all other frames.</summary>
    public int VersionCount => Type == FrameType.NegotiateVersion ? (int)(Data.Length / 4) : 0;

    /// <summary>NegotiateVersion: one of its versions, in the order of the list.</summary>
    /// <param name="index">0 to <see cref="VersionCount"/> - 1.</param>
    /// <returns>The version.</returns>
    public ProtocolVersion GetVersion(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, VersionCount);
        Span<byte> version = stackalloc byte[4];
        Data.Slice(4 * index, 4).CopyTo(version);
        return ProtocolVersion.FromValue(BinaryPrimitives.ReadUInt32BigEndian(version));
    }
}
