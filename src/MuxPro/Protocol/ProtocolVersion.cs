using System.Globalization;

namespace MuxPro;

/// <summary>A version of the protocol (SPEC 3): four bytes on the wire, major and minor. The higher number is the better one.</summary>
/// <param name="Major">First two bytes.</param>
/// <param name="Minor">Last two bytes; from <c>8000</c> (hex) up they are for private use.</param>
public readonly record struct ProtocolVersion(ushort Major, ushort Minor) : IComparable<ProtocolVersion>
{
    /// <summary>MuxPro/0.0, <c>00000000</c>: the draft specification.</summary>
    public static ProtocolVersion V0_0 => new(0, 0);

    /// <summary>MuxPro/0.1, <c>00000001</c>: the prototype's version, with full-cone UDP.</summary>
    public static ProtocolVersion V0_1 => new(0, 1);

    /// <summary>
    /// MuxPro/0.32769, <c>00008001</c>: the private version of this project (SPEC 8), chosen only when both ends are its own. All of 0.1,
    /// and half-close without bound, open results, ping, GoAway and limits.
    /// </summary>
    public static ProtocolVersion Private => new(0, 0x8001);

    /// <summary>The version as the four bytes of the wire read as a number.</summary>
    public uint Value => ((uint)Major << 16) | Minor;

    /// <summary>Makes a version from the four bytes of the wire.</summary>
    /// <param name="value">The four bytes, read big-endian.</param>
    /// <returns>The version.</returns>
    public static ProtocolVersion FromValue(uint value) => new((ushort)(value >> 16), (ushort)value);

    /// <inheritdoc/>
    public int CompareTo(ProtocolVersion other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="left"/> is older than <paramref name="right"/>.</summary>
    public static bool operator <(ProtocolVersion left, ProtocolVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> is newer than <paramref name="right"/>.</summary>
    public static bool operator >(ProtocolVersion left, ProtocolVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> is older than <paramref name="right"/>, or the same.</summary>
    public static bool operator <=(ProtocolVersion left, ProtocolVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> is newer than <paramref name="right"/>, or the same.</summary>
    public static bool operator >=(ProtocolVersion left, ProtocolVersion right) => left.CompareTo(right) >= 0;

    /// <summary>The version as people write it, for example <c>MuxPro/0.1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"MuxPro/{Major}.{Minor}");
}
