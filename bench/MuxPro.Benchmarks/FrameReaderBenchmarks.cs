using System.Buffers;
using BenchmarkDotNet.Attributes;
using MuxPro.Protocol;

namespace MuxPro.Benchmarks;

/// <summary>Reading a frame without payload, of each state. A New makes a destination; nothing else should allocate.</summary>
[MemoryDiagnoser]
public class FrameReaderBenchmarks
{
    private FrameReader _reader;
    private ReadOnlySequence<byte> _bytes;

    [ParamsAllValues]
    public FrameKind Kind { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var buffer = new FixedBuffer(1024);
        Frames.Write(buffer, Kind);
        _bytes = new ReadOnlySequence<byte>(buffer.Written);
    }

    [Benchmark]
    public FrameReadStatus Read()
    {
        ReadOnlySequence<byte> rest = _bytes;
        return _reader.TryReadHead(ref rest, out _, out _);
    }
}

/// <summary>Reading a Keep: the head, which is what the engine reads, and the whole, from one stretch of memory and from two.</summary>
[MemoryDiagnoser]
public class KeepReaderBenchmarks
{
    private FrameReader _reader;
    private ReadOnlySequence<byte> _bytes;
    private ReadOnlySequence<byte> _split;

    [Params(64, 1024, 16 * 1024, 65535)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var buffer = new FixedBuffer(128 * 1024);
        FrameWriter.WriteKeep(buffer, 1, new byte[PayloadBytes]);
        _bytes = new ReadOnlySequence<byte>(buffer.Written);

        // In the middle of the head.
        const int Cut = 5;
        var first = new Stretch(buffer.Written[..Cut], 0);
        var second = new Stretch(buffer.Written[Cut..], Cut);
        first.Append(second);
        _split = new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    [Benchmark(Baseline = true)]
    public FrameReadStatus Head()
    {
        ReadOnlySequence<byte> rest = _bytes;
        return _reader.TryReadHead(ref rest, out _, out _);
    }

    [Benchmark]
    public FrameReadStatus Whole()
    {
        ReadOnlySequence<byte> rest = _bytes;
        return _reader.TryRead(ref rest, out _, out _);
    }

    [Benchmark]
    public FrameReadStatus HeadInTwo()
    {
        ReadOnlySequence<byte> rest = _split;
        return _reader.TryReadHead(ref rest, out _, out _);
    }

    private sealed class Stretch : ReadOnlySequenceSegment<byte>
    {
        public Stretch(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public void Append(Stretch next) => Next = next;
    }
}
