using System.Globalization;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>Where the parts of a configuration came from.</summary>
internal sealed class SourceMap
{
    private readonly Dictionary<object, ConfigurationNode> _nodes = new(ReferenceEqualityComparer.Instance);

    public void Add(object part, ConfigurationNode node) => _nodes[part] = node;

    /// <summary>Where a part stands, for people: file and line.</summary>
    public string PlaceOf(object part)
        => _nodes.TryGetValue(part, out ConfigurationNode? node)
            ? string.Create(CultureInfo.InvariantCulture, $"{node.File}:{node.Line}")
            : "another place";

    /// <summary>Describes what is wrong with a part.</summary>
    /// <param name="part">A record of the model.</param>
    /// <param name="field">The field of it, for example <c>selector[2]</c>; empty for all of it.</param>
    /// <param name="message">In words.</param>
    /// <param name="isWarning">Whether it works all the same.</param>
    public ConfigurationProblem Problem(object part, string field, string message, bool isWarning = false)
    {
        if (!_nodes.TryGetValue(part, out ConfigurationNode? node))
        {
            return new ConfigurationProblem("configuration", 0, 0, field, message, isWarning);
        }

        ConfigurationNode? found = node;
        foreach (string step in field.Split('.', '[').Where(static step => step.Length > 0))
        {
            found = step.EndsWith(']')
                ? found?.Items.ElementAtOrDefault(int.Parse(step.AsSpan(0, step.Length - 1), null)) : found?.Find(step);
        }

        // What is missing has no place: that of what it is missing in.
        return (found ?? node).Problem(message, isWarning) with { Path = field.Length == 0 ? node.Path : $"{node.Path}.{field}" };
    }
}
