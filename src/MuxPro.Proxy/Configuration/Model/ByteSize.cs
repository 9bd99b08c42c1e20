using System.Globalization;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>A number of bytes; 0 stands for no limit.</summary>
internal readonly record struct ByteSize(long Bytes) : IConfigurationValue<ByteSize>
{
    private const string Right = "a number of bytes, for example 500000, 64K, 10M or 2G";

    public static string Pattern => "^[0-9]+[KkMmGg]?$";

    public static ByteSize Parse(string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            _ => 0,
        };
        return long.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            && count <= long.MaxValue >> shift
            ? new ByteSize(count << shift)
            : throw new FormatException(Right);
    }

    public override string ToString() => Bytes.ToString(CultureInfo.InvariantCulture);
}
