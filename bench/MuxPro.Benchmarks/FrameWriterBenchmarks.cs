using BenchmarkDotNet.Attributes;
using MuxPro.Protocol;

namespace MuxPro.Benchmarks;

/// <summary>Writing a frame without payload, of each state.</summary>
[MemoryDiagnoser]
public class FrameWriterBenchmarks
{
    private readonly FixedBuffer _buffer = new(1024);

    [ParamsAllValues]
    public FrameKind Kind { get; set; }

    [Benchmark]
    public int Write()
    {
        _buffer.Clear();
        Frames.Write(_buffer, Kind);
        return _buffer.Written.Length;
    }
}

/// <summary>Writing a Keep: the head, which is what the engine writes, and the head with a copy of the payload.</summary>
[MemoryDiagnoser]
public class KeepWriterBenchmarks
{
    private readonly FixedBuffer _buffer = new(128 * 1024);
    private byte[] _payload = [];

    [Params(64, 1024, 16 * 1024, 65535)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void SetUp() => _payload = new byte[PayloadBytes];

    [Benchmark(Baseline = true)]
    public int Head()
    {
        _buffer.Clear();
        FrameWriter.WriteKeep(_buffer, 1, PayloadBytes);
        return _buffer.Written.Length;
    }

    [Benchmark]
    public int Whole()
    {
        _buffer.Clear();
        FrameWriter.WriteKeep(_buffer, 1, _payload);
        return _buffer.Written.Length;
    }
}
