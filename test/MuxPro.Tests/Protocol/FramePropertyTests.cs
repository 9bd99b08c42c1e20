using CsCheck;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Protocol;

public sealed class FramePropertyTests
{
    [Fact]
    public void WrittenFrames_ReadAsWritten() => ReadAsWritten(ArbitraryFrames.Any, ProtocolVersion.V0_0);

    [Fact]
    public void WrittenFrames_OfThePrivateVersion_ReadAsWritten() => ReadAsWritten(ArbitraryFrames.Private, ProtocolVersion.Private);

    private static void ReadAsWritten(Gen<WrittenFrame> any, ProtocolVersion version)
        => Gen.Select(any.Array[1, 8], Gen.Int[1, 300]).Sample(
        (frames, size) =>
        {
            byte[] bytes = [.. frames.SelectMany(frame => frame.Bytes)];
            var expected = new FrameTranscript([.. frames.Select(frame => frame.Frame)], FrameReadStatus.NeedMoreData, default);
            var reader = new FrameReader { Version = version };
            Memory<byte>[] chunks = [.. bytes.Chunk(size).Select(chunk => chunk.AsMemory())];
            return expected.Equals(FrameTranscript.Read([bytes], wholeFrames: true, reader))
                && expected.Equals(FrameTranscript.Read(chunks, wholeFrames: true, reader))
                && expected.Equals(FrameTranscript.Read(chunks, wholeFrames: false, reader));
        },
        iter: 2000);

    [Fact]
    public void WrittenFrames_HaveNoLongerHeadThanTheMost() => ArbitraryFrames.Any.Sample(
        frame => frame.Frame.Type == FrameType.NegotiateVersion
            || frame.Bytes.Length - (frame.Frame.Data.Length / 2) <= FrameWriter.MaxHeadLength,
        iter: 1000);

    [Fact]
    public void ArbitraryBytes_ReadTheSameHoweverTheyArrive() => Gen.Byte.Array[0, 200].Sample(FramesTarget.Run, iter: 2000);

    // Bytes that get further than the first two: frames with some bytes changed, and bytes that are likely to mean something.
    [Fact]
    public void DamagedFrames_ReadTheSameHoweverTheyArrive() => Gen.Select(
            ArbitraryFrames.Any.Where(frame => frame.Bytes.Length < 200).Array[1, 4], Gen.Select(Gen.Int[0, 799], Gen.Byte).Array[0, 3])
        .Sample(
            (frames, damages) =>
            {
                byte[] bytes = [.. frames.SelectMany(frame => frame.Bytes)];
                foreach ((int offset, byte value) in damages)
                {
                    bytes[offset % bytes.Length] = value;
                }

                FramesTarget.Run(bytes);
            },
            iter: 1000);

    [Fact]
    public void LikelyBytes_ReadTheSameHoweverTheyArrive()
        => Gen.Frequency((6, Gen.Const((byte)0)), (3, Gen.Byte[1, 6]), (1, Gen.Byte)).Array[0, 60].Sample(FramesTarget.Run, iter: 2000);

    [Fact]
    public void DatagramAddresses_ReadAsWritten() => Gen.Select(
            ArbitraryFrames.Destination(Network.Udp), Gen.OneOf(Gen.Const(0ul), Gen.ULong), Gen.Byte.Array[0, 40])
        .Sample(
            (destination, globalId, datagram) =>
            {
                byte[] head = Wired.Written(writer => FrameWriter.WriteDatagram(writer, 7, destination, globalId, datagram.Length));
                var reader = new FrameReader();
                var buffer = new System.Buffers.ReadOnlySequence<byte>([.. head, .. datagram]);
                return reader.TryRead(ref buffer, out Frame frame, out _) == FrameReadStatus.Frame
                    && frame.Options == (FrameOptions.Data | FrameOptions.UdpAddress)
                    && DatagramAddress.TryRead(frame.Data, globalId != 0, out DatagramAddress address, out _)
                    && address == new DatagramAddress(destination, globalId, DatagramAddress.GetLength(destination, globalId))
                    && frame.Data.FirstSpan[address.Length..].SequenceEqual(datagram)
                    && head.Length <= FrameWriter.MaxHeadLength;
            },
            iter: 1000);
}
