using System.Globalization;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>A port, or some in a row.</summary>
internal readonly record struct PortRange(int First, int Last) : IConfigurationValue<PortRange>
{
    private const string Right = "a port from 1 to 65535, or a range of them with the lower one first, such as \"8000-8999\"";

    public static string Pattern => "^[0-9]{1,5}(-[0-9]{1,5})?$";

    public bool Contains(int port) => port >= First && port <= Last;

    public static PortRange Parse(string text)
    {
        // V2Ray's way to write all ports is "0-65535"; nobody asks for port 0.
        text = text.StartsWith("0-", StringComparison.Ordinal) ? $"1{text.AsSpan(1)}" : text;
        int dash = text.IndexOf('-');
        return TryParsePort(dash < 0 ? text : text.AsSpan(0, dash), out int first)
            && TryParsePort(text.AsSpan(dash + 1), out int last) && first <= last
            ? new PortRange(first, last)
            : throw new FormatException(Right);
    }

    public override string ToString() => First == Last
        ? First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
        => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= ushort.MaxValue;
}

/// <summary>Ports and ranges of ports.</summary>
internal sealed record PortRanges(IReadOnlyList<PortRange> Ranges) : IConfigurationValue<PortRanges>
{
    public static string Pattern => "^ *[0-9]{1,5}(-[0-9]{1,5})?( *, *[0-9]{1,5}(-[0-9]{1,5})?)* *$";

    public static PortRanges Parse(string text)
        => new([.. text.Split(',', StringSplitOptions.TrimEntries).Select(PortRange.Parse)]);

    public override string ToString() => string.Join(',', Ranges);
}
