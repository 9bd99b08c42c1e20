using System.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Fuzz;

/// <summary>Any bytes through <see cref="FrameReader"/>: it never throws, and how the bytes arrive makes no difference.</summary>
internal static class FramesTarget
{
    public static void Run(byte[] input)
    {
        Run(input, new FrameReader { Version = ProtocolVersion.V0_0 });
        Run(input, new FrameReader { Version = ProtocolVersion.Private });
        Run(input, new FrameReader { IsMuxCool = true });
        foreach (bool hasGlobalId in (ReadOnlySpan<bool>)[false, true])
        {
            CheckDatagramAddress(input, hasGlobalId);
        }
    }

    private static void Run(byte[] input, FrameReader reader)
    {
        FrameTranscript expected = FrameTranscript.Read([input], wholeFrames: true, reader);
        Expect(expected, FrameTranscript.Read([input], wholeFrames: false, reader), "by heads");
        foreach (int size in (ReadOnlySpan<int>)[1, 2, 3, 7, 64])
        {
            Memory<byte>[] chunks = [.. Chunks(input, size)];
            Expect(expected, FrameTranscript.Read(chunks, wholeFrames: true, reader), $"in chunks of {size}");
            Expect(expected, FrameTranscript.Read(chunks, wholeFrames: false, reader), $"by heads, in chunks of {size}");
            ExpectOneSequence(expected, chunks, reader, $"in segments of {size}");
        }

        _ = expected.Error.ToString();
        foreach (FrameSnapshot frame in expected.Frames)
        {
            _ = frame.Fault.ToString();
        }
    }

    // All the bytes at once, but in many segments.
    private static void ExpectOneSequence(FrameTranscript expected, Memory<byte>[] chunks, FrameReader reader, string how)
    {
        var frames = new List<FrameSnapshot>();
        ReadOnlySequence<byte> buffer = ByteSegments.Join(chunks);
        FrameReadStatus status;
        FrameError error;
        while ((status = reader.TryRead(ref buffer, out Frame frame, out error)) == FrameReadStatus.Frame)
        {
            frames.Add(FrameSnapshot.Of(frame));
        }

        Expect(expected, new FrameTranscript(frames, status, error), how);
    }

    private static void CheckDatagramAddress(byte[] input, bool hasGlobalId)
    {
        bool read = DatagramAddress.TryRead(input, hasGlobalId, out DatagramAddress address, out FrameError fault);
        ReadOnlySequence<byte> split = ByteSegments.Join(Chunks(input, 1));
        bool readSplit = DatagramAddress.TryRead(split, hasGlobalId, out DatagramAddress splitAddress, out FrameError splitFault);
        if (read != readSplit || address != splitAddress || fault != splitFault || read == (fault.Kind != FrameErrorKind.None))
        {
            throw new InvalidOperationException($"A datagram address read as {address} {fault}, and split as {splitAddress} {splitFault}.");
        }

        // Known or not, it is the same address.
        var known = DestinationCodec.NewRecentAddresses();
        for (int round = 0; round < 2; round++)
        {
            bool told = DatagramAddress.TrySplit(
                input, hasGlobalId, known, out ReadOnlySpan<byte> raw, out int length, out FrameError toldFault);
            if (told != read || toldFault != fault || (told && (length != address.Length || !address.Destination.Equals(known.Find(raw)))))
            {
                throw new InvalidOperationException(
                    $"A datagram address read as {address} {fault}, and was told apart at {length} {toldFault}.");
            }
        }
    }

    private static void Expect(FrameTranscript expected, FrameTranscript actual, string how)
    {
        if (!expected.Equals(actual))
        {
            throw new InvalidOperationException($"Read {how}:\n{actual}\nRead whole:\n{expected}");
        }
    }

    private static IEnumerable<Memory<byte>> Chunks(byte[] input, int size)
    {
        for (int start = 0; start < input.Length; start += size)
        {
            yield return input.AsMemory(start, Math.Min(size, input.Length - start));
        }
    }
}
