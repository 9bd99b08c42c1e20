using System.Diagnostics.CodeAnalysis;
using MuxPro.Buffers;

namespace MuxPro.Engine;

/// <summary>
/// Puts the parts of a payload together that is handed over in one piece, because it is a datagram. The receive loop's; empty, it holds
/// nothing.
/// </summary>
internal struct WholePayload
{
    private Slab? _slab;

    /// <summary>Bytes that have come.</summary>
    public int Length { get; private set; }

    /// <summary>Adds a part.</summary>
    /// <param name="part">What has come.</param>
    /// <param name="left">How much was to come: with as many bytes the payload is complete.</param>
    /// <param name="whole">All of it, once it is complete; then <see cref="Release"/> it.</param>
    public bool TryComplete(ReadOnlySpan<byte> part, int left, [NotNullWhen(true)] out Slab? whole)
    {
        _slab ??= Slab.Rent(Slab.Large);
        part.CopyTo(_slab.Array.AsSpan(Length));
        Length += part.Length;
        whole = part.Length == left ? _slab : null;
        return whole is not null;
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        _slab?.Release();
        this = default;
    }
}
