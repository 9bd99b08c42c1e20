using System.Globalization;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>What is wrong with a configuration, where, and what would be right.</summary>
/// <param name="File">The file as it was given.</param>
/// <param name="Line">The line, from 1; 0 where it is the file as a whole.</param>
/// <param name="Column">The column, from 1.</param>
/// <param name="Path">Where in the JSON, for example <c>$.inbounds[0].port</c>.</param>
/// <param name="Message">In words.</param>
/// <param name="IsWarning">Whether it works all the same.</param>
internal sealed record ConfigurationProblem(string File, int Line, int Column, string Path, string Message, bool IsWarning = false)
{
    public override string ToString()
    {
        string position = Line == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $":{Line}:{Column}");
        string path = Path is "" or "$" ? "" : $" {Path}:";
        return InOneLine($"{File}{position}:{path}{(IsWarning ? " warning:" : "")} {Message}");
    }

    /// <summary>A problem is one line, whatever the names and values in it are.</summary>
    private static string InOneLine(string text) => text.Any(char.IsControl)
        ? string.Concat(text.Select(static letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString())) : text;
}
