using System.Buffers;
using MuxPro.Fuzz;
using MuxPro.Protocol;

namespace MuxPro.Tests.Protocol;

/// <summary>The frames of every transfer cost no memory, whole or split.</summary>
public sealed class FrameAllocationTests
{
    private const int Frames = 5;
    private const int Rounds = 1000;

    [Fact]
    public void Write_AllocatesNothing()
    {
        var writer = new ArrayBufferWriter<byte>(1024);
        AssertNothingAllocated(() =>
        {
            writer.ResetWrittenCount();
            WriteFrames(writer);
        });
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(5)]
    public void Read_AllocatesNothing(int segment)
    {
        var writer = new ArrayBufferWriter<byte>(1024);
        WriteFrames(writer);
        ReadOnlySequence<byte> bytes = ByteSegments.Join(writer.WrittenSpan.ToArray().Chunk(segment).Select(part => part.AsMemory()));
        AssertNothingAllocated(() => Assert.True(ReadFrames(bytes) == Frames));
    }

    [Fact]
    public void Refuse_AllocatesNothing()
    {
        var bytes = new ReadOnlySequence<byte>([2, 88]);
        AssertNothingAllocated(() =>
        {
            var reader = new FrameReader();
            ReadOnlySequence<byte> buffer = bytes;
            Assert.True(reader.TryReadHead(ref buffer, out _, out _) == FrameReadStatus.Malformed);
        });
    }

    private static void WriteFrames(ArrayBufferWriter<byte> writer)
    {
        FrameWriter.WriteKeep(writer, 1, "some data"u8);
        FrameWriter.WriteCreditUpdate(writer, 1, 65536);
        FrameWriter.WriteEnd(writer, 1, ErrorCode.GracefulShutdown);
        FrameWriter.WriteEnd(writer, 2, ErrorCode.RemoteDisconnect);
        FrameWriter.WriteKeepAlive(writer);
    }

    private static int ReadFrames(ReadOnlySequence<byte> buffer)
    {
        int frames = 0;
        var reader = new FrameReader();
        while (reader.TryReadHead(ref buffer, out Frame frame, out _) == FrameReadStatus.Frame)
        {
            buffer = buffer.Slice(frame.DataLength);
            frames++;
        }

        return frames;
    }

    private static void AssertNothingAllocated(Action action)
    {
        for (int i = 0; i < Rounds; i++)
        {
            action();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++)
        {
            action();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
