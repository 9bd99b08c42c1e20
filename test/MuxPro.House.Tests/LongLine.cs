using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace MuxPro.House.Tests;

/// <summary>
/// A line that is longer than <c>.editorconfig</c> allows. A line of a raw string is data, and may be as long as that is.
/// </summary>
internal sealed record LongLine(string Path, int Number, int Columns)
{
    private const int Limit = 140;

    public static IEnumerable<LongLine> FindIn(SourceFile file)
    {
        string[] lines = file.Text.Split('\n');
        if (!lines.Any(line => line.Length > Limit))
        {
            yield break;
        }

        HashSet<int> data = LinesOfData(file.Text);
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > Limit && !data.Contains(i))
            {
                yield return new LongLine(file.Path, i + 1, lines[i].Length);
            }
        }
    }

    public override string ToString() => $"{Path}({Number}): {Columns} columns; {Limit} is the most.";

    /// <summary>The lines between the quotes of raw strings of several lines; a line with the quotes themselves is code.</summary>
    private static HashSet<int> LinesOfData(string text)
    {
        HashSet<int> lines = [];
        SyntaxTree tree = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None));
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            bool isRaw = node.IsKind(SyntaxKind.InterpolatedStringExpression) || node.IsKind(SyntaxKind.StringLiteralExpression)
                || node.IsKind(SyntaxKind.Utf8StringLiteralExpression);
            if (isRaw && node.ToString().TrimStart('$').StartsWith("\"\"\"", StringComparison.Ordinal))
            {
                LinePositionSpan span = tree.GetLineSpan(node.Span).Span;
                lines.UnionWith(Enumerable.Range(span.Start.Line + 1, Math.Max(0, span.End.Line - span.Start.Line - 1)));
            }
        }

        return lines;
    }
}
