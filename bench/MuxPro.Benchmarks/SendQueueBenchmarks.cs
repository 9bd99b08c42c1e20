using BenchmarkDotNet.Attributes;
using MuxPro.Core;

namespace MuxPro.Benchmarks;

/// <summary>One turn: the next session is taken and goes to the end of its line. The cost must not depend on how many are ready.</summary>
[MemoryDiagnoser]
public class SendQueueBenchmarks
{
    private readonly SendQueue<Item> _queue = new();

    [Params(1, 100, 10_000)]
    public int Ready { get; set; }

    [Params(1, 256)]
    public int Priorities { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        for (int i = 0; i < Ready; i++)
        {
            _queue.Enqueue(new Item((byte)(i % Priorities)));
        }
    }

    [Benchmark]
    public void Turn() => _queue.Enqueue(_queue.Dequeue()!);

    private sealed class Item(byte priority) : ISendQueueItem<Item>
    {
        public byte Priority => priority;

        public Item? NextInQueue { get; set; }
    }
}
