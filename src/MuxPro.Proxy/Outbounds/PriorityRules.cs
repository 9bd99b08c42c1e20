using System.Globalization;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Which priority a sub-connection gets, by the port of its destination; of rules that fit, the last one counts. Immutable.</summary>
internal sealed class PriorityRules
{
    /// <summary>For messages about what <see cref="TryParsePriority"/> does not take.</summary>
    public const string WhatAPriorityIs = "a priority is a number from 0, served first, to 255.";

    private readonly (int First, int Last, byte Priority)[] _rules;

    private PriorityRules((int First, int Last, byte Priority)[] rules) => _rules = rules;

    /// <summary>Everything gets the priority in the middle.</summary>
    public static PriorityRules None { get; } = new([]);

    /// <summary>Adds rules such as <c>22=0,443=64,8000-8999=200</c>.</summary>
    /// <exception cref="FormatException">One of them is none; the message names it.</exception>
    public PriorityRules With(string text) => new([.. _rules, .. text.Split(',').Select(Parse)]);

    public static bool TryParsePriority(ReadOnlySpan<char> text, out byte priority)
        => byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out priority);

    public byte Of(int port)
    {
        for (int i = _rules.Length - 1; i >= 0; i--)
        {
            if (port >= _rules[i].First && port <= _rules[i].Last)
            {
                return _rules[i].Priority;
            }
        }

        return Session.DefaultPriority;
    }

    private static (int First, int Last, byte Priority) Parse(string rule)
    {
        string[] sides = rule.Split('=');
        if (sides.Length != 2)
        {
            throw new FormatException($"'{rule}': is not PORT=PRIORITY, for example 22=0 or 8000-8999=200.");
        }

        string[] ports = sides[0].Split('-');
        if (ports.Length > 2 || !TryParsePort(ports[0], out int first) || !TryParsePort(ports[^1], out int last) || first > last)
        {
            throw new FormatException($"'{rule}': a port is a number from 1 to 65535, a range two of them, the lower one first.");
        }

        return TryParsePriority(sides[1], out byte priority) ? (first, last, priority) : throw new FormatException($"'{rule}': {WhatAPriorityIs}");
    }

    private static bool TryParsePort(string text, out int port)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= ushort.MaxValue;
}
