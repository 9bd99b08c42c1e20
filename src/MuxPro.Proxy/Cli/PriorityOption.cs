using System.Globalization;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary>Priorities by the destination's port, as rules: of those that fit, the last one counts.</summary>
internal static class PriorityOption
{
    /// <summary>Reads texts such as <c>22=0,443=64,8000-8999=200</c>.</summary>
    /// <exception cref="ConfigurationException">One of them is none; the message names it.</exception>
    public static IReadOnlyList<RuleConfiguration> ToRules(string option, IEnumerable<string> texts)
        => [.. texts.SelectMany(static text => text.Split(',')).Select(rule => Parse(option, rule)).Reverse()];

    private static RuleConfiguration Parse(string option, string rule)
    {
        string[] sides = rule.Split('=');
        if (sides.Length != 2)
        {
            throw new ConfigurationException($"{option} '{rule}': is not PORT=PRIORITY, for example 22=0 or 8000-8999=200.");
        }

        PortRange ports;
        try
        {
            ports = PortRange.Parse(sides[0]);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException(
                $"{option} '{rule}': a port is a number from 1 to 65535, a range two of them, the lower one first.", exception);
        }

        return byte.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out byte priority)
            ? new RuleConfiguration { Port = new PortRanges([ports]), Priority = priority }
            : throw new ConfigurationException($"{option} '{rule}': a priority is a number from 0, served first, to 255.");
    }
}
