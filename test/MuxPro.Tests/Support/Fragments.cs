using System.Buffers;
using MuxPro.Fuzz;

namespace MuxPro.Tests.Support;

/// <summary>The same bytes in all the shapes in which a connection can deliver them.</summary>
internal static class Fragments
{
    /// <summary>
    /// All bytes at once: in one array, inside a larger one, split in two at every offset, a byte per segment, with empty segments between.
    /// </summary>
    public static IEnumerable<ReadOnlySequence<byte>> Of(byte[] bytes)
    {
        yield return new ReadOnlySequence<byte>(bytes);

        byte[] oversized = new byte[bytes.Length + 32];
        oversized.AsSpan().Fill(0xee);
        bytes.CopyTo(oversized, 16);
        yield return new ReadOnlySequence<byte>(oversized, 16, bytes.Length);

        for (int offset = 0; offset <= bytes.Length; offset++)
        {
            yield return ByteSegments.Join([bytes.AsMemory(0, offset), bytes.AsMemory(offset)]);
        }

        yield return ByteSegments.Join(Single(bytes));
        yield return ByteSegments.Join(Single(bytes).SelectMany(part => (Memory<byte>[])[Memory<byte>.Empty, part, Memory<byte>.Empty]));
    }

    /// <summary>The bytes one after the other: in two chunks for every offset, and byte by byte.</summary>
    public static IEnumerable<Memory<byte>[]> InTime(byte[] bytes)
    {
        for (int offset = 0; offset <= bytes.Length; offset++)
        {
            yield return [bytes.AsMemory(0, offset), bytes.AsMemory(offset)];
        }

        yield return Single(bytes);
    }

    private static Memory<byte>[] Single(byte[] bytes) => [.. Enumerable.Range(0, bytes.Length).Select(i => bytes.AsMemory(i, 1))];
}
