namespace MuxPro.Core;

/// <summary>How many bytes wait in one direction of a main connection, in all its sub-connections together. Thread-safe.</summary>
internal sealed class BufferCount(long limit)
{
    private long _bytes;

    /// <summary>Bytes that wait.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether more than the limit waits.</summary>
    public bool IsOver => Bytes > limit;

    /// <summary>Bytes came (or went, when negative).</summary>
    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
