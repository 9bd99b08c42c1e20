using BenchmarkDotNet.Attributes;
using MuxPro.Core;

namespace MuxPro.Benchmarks;

/// <summary>What flow control costs per frame.</summary>
[MemoryDiagnoser]
public class CreditBenchmarks
{
    private const int FrameBytes = 16 * 1024;

    private SendCredit _send = new();
    private ReceiveCredit _receive = new(SendCredit.Initial, new WindowBudget(0));
    private long _now;

    [Benchmark]
    public int Send()
    {
        int taken = _send.Take(FrameBytes);
        _send.Grant(FrameBytes);
        return taken;
    }

    [Benchmark]
    public int Receive()
    {
        _receive.TryReceive(FrameBytes);
        _receive.Consume(FrameBytes);
        return _receive.TakeGrant(_now++, roundTrip: 0);
    }
}
