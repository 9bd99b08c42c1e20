using System.Text.Json;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>A value of a JSON text, and where it stands.</summary>
internal sealed class ConfigurationNode(string file, string path, int line, int column, JsonValueKind kind, string text)
{
    private const int MaxShown = 100;

    public string File { get; } = file;

    public string Path { get; } = path;

    public int Line { get; } = line;

    public int Column { get; } = column;

    public JsonValueKind Kind { get; } = kind;

    /// <summary>The text of a string, a number, <c>true</c> or <c>false</c>.</summary>
    public string Text { get; } = text;

    /// <summary>The fields of an object, in their order.</summary>
    public List<KeyValuePair<string, ConfigurationNode>> Fields { get; } = [];

    /// <summary>The items of an array.</summary>
    public List<ConfigurationNode> Items { get; } = [];

    /// <summary>What it is, in words.</summary>
    public string What => Kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"\"{Shortened}\"",
        JsonValueKind.Null => "null",
        _ => Shortened,
    };

    private string Shortened => Text.Length <= MaxShown ? Text : $"{Text.AsSpan(0, MaxShown)}...";

    public ConfigurationNode? Find(string name)
    {
        foreach ((string field, ConfigurationNode value) in Fields)
        {
            if (field.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return null;
    }

    public ConfigurationProblem Problem(string message, bool isWarning = false) => new(File, Line, Column, Path, message, isWarning);
}
