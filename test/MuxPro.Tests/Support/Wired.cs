using System.Buffers;
using MuxPro.Fuzz;
using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>Checks what bytes read as, in every shape of <see cref="Fragments"/>.</summary>
internal static class Wired
{
    /// <summary>Bytes from hex digits; blanks and bars are for the eye.</summary>
    public static byte[] Bytes(string hex)
        => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal).Replace("|", "", StringComparison.Ordinal));

    public static byte[] Written(Action<ArrayBufferWriter<byte>> write)
    {
        var writer = new ArrayBufferWriter<byte>();
        write(writer);
        return writer.WrittenSpan.ToArray();
    }

    public static void Reads(byte[] bytes, params FrameSnapshot[] frames)
        => Reads(bytes, new FrameTranscript(frames, FrameReadStatus.NeedMoreData, default));

    /// <summary>The same, in the private version.</summary>
    public static void ReadsPrivately(byte[] bytes, params FrameSnapshot[] frames)
        => Reads(bytes, new FrameTranscript(frames, FrameReadStatus.NeedMoreData, default), ProtocolVersion.Private);

    public static void Reads(byte[] bytes, FrameTranscript expected, ProtocolVersion version = default)
    {
        foreach (ReadOnlySequence<byte> fragment in Fragments.Of(bytes))
        {
            var actual = new List<FrameSnapshot>();
            var reader = new FrameReader { Version = version };
            ReadOnlySequence<byte> buffer = fragment;
            FrameReadStatus status;
            FrameError error;
            while ((status = reader.TryRead(ref buffer, out Frame frame, out error)) == FrameReadStatus.Frame)
            {
                actual.Add(FrameSnapshot.Of(frame));
            }

            Assert.Equal(expected.ToString(), new FrameTranscript(actual, status, error).ToString());
            Assert.True(status == FrameReadStatus.Malformed || buffer.IsEmpty, "Bytes were left over.");
        }

        foreach (Memory<byte>[] chunks in Fragments.InTime(bytes))
        {
            Assert.Equal(
                expected.ToString(), FrameTranscript.Read(chunks, wholeFrames: true, new FrameReader { Version = version }).ToString());
            Assert.Equal(
                expected.ToString(), FrameTranscript.Read(chunks, wholeFrames: false, new FrameReader { Version = version }).ToString());
        }
    }

    /// <summary>The bytes are refused, and not before the last one is there.</summary>
    public static void Refuses(byte[] bytes, FrameError error)
    {
        Reads(bytes, new FrameTranscript([], FrameReadStatus.Malformed, error));
        FrameTranscript before = FrameTranscript.Read([bytes.AsMemory(0, bytes.Length - 1)], wholeFrames: false);
        Assert.Equal(FrameReadStatus.NeedMoreData, before.Status);
    }
}
