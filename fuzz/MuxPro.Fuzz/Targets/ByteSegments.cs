using System.Buffers;

namespace MuxPro.Fuzz;

/// <summary>Makes sequences of many segments.</summary>
internal static class ByteSegments
{
    public static ReadOnlySequence<byte> Join(IEnumerable<Memory<byte>> parts)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (Memory<byte> part in parts)
        {
            last = last is null ? new Segment(part) : last.Append(part);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
