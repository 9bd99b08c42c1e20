using System.Text;
using System.Text.Json;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>Reads JSON with comments (//, /* */ and #) and trailing commas into nodes that know where they stand.</summary>
internal static class ConfigurationParser
{
    private const int MaxDepth = 32;

    private static readonly JsonReaderOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = MaxDepth,
    };

    /// <summary>Reads a text.</summary>
    /// <param name="file">What to call it.</param>
    /// <param name="bytes">UTF-8, with a byte order mark or without.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The root, or <see langword="null"/> where the text is no JSON.</returns>
    public static ConfigurationNode? Parse(string file, ReadOnlySpan<byte> bytes, List<ConfigurationProblem> problems)
    {
        bytes = WithoutHashComments(bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes);
        if (bytes.Trim(" \t\r\n"u8).IsEmpty)
        {
            problems.Add(new ConfigurationProblem(
                file, 0, 0, "",
                "the file is empty, or is none ('-' is standard input); the least is { \"inbounds\": [ ... ], "
                    + "\"outbounds\": [ ... ] }."));
            return null;
        }

        var reader = new Utf8JsonReader(bytes, Options);
        try
        {
            reader.Read();
            ConfigurationNode root = Read(ref reader, new Text(file, bytes), "$", problems);
            reader.Read();
            return root;
        }
        catch (JsonException exception)
        {
            string reason = exception.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ');
            problems.Add(new ConfigurationProblem(
                file, (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1, "",
                $"is no JSON from here on: {reason}."));
            return null;
        }
        catch (InvalidOperationException)
        {
            (int line, int column) = new Text(file, bytes).PositionOf(reader.TokenStartIndex);
            problems.Add(new ConfigurationProblem(file, line, column, "", "is no JSON from here on: a string that is not UTF-8."));
            return null;
        }
    }

    /// <summary>
    /// V2Ray takes comments from # to the end of a line as well, and the files of its users have them. Spaces take their place, so that
    /// everything else stays where it was.
    /// </summary>
    private static ReadOnlySpan<byte> WithoutHashComments(ReadOnlySpan<byte> bytes)
    {
        byte[]? blanked = null;
        int at = 0;
        while (at < bytes.Length)
        {
            ReadOnlySpan<byte> rest = bytes[at..];
            int length = rest switch
            {
                [(byte)'"', ..] => LengthOfString(rest),
                [(byte)'/', (byte)'*', ..] => LengthUntil(rest, 2, "*/"u8),
                [(byte)'/', (byte)'/', ..] or [(byte)'#', ..] => LengthUntil(rest, 0, "\n"u8),
                _ => 1,
            };
            if (rest[0] == (byte)'#')
            {
                blanked ??= bytes.ToArray();
                foreach (ref byte each in blanked.AsSpan(at, length))
                {
                    each = each is (byte)'\r' or (byte)'\n' ? each : (byte)' ';
                }
            }

            at += length;
        }

        return blanked ?? bytes;
    }

    private static int LengthOfString(ReadOnlySpan<byte> text)
    {
        int at = 1;
        while (at < text.Length && text[at] != (byte)'"')
        {
            at += text[at] == (byte)'\\' ? 2 : 1;
        }

        return Math.Min(at + 1, text.Length);
    }

    private static int LengthUntil(ReadOnlySpan<byte> text, int from, ReadOnlySpan<byte> end)
        => text[from..].IndexOf(end) is var found and >= 0 ? from + found + end.Length : text.Length;

    private static ConfigurationNode Read(ref Utf8JsonReader reader, Text text, string path, List<ConfigurationProblem> problems)
    {
        (int line, int column) = text.PositionOf(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var node = new ConfigurationNode(text.File, path, line, column, JsonValueKind.Object, "");
                var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    string name = reader.GetString()!;
                    (int nameLine, int nameColumn) = text.PositionOf(reader.TokenStartIndex);
                    string fieldPath = $"{path}.{name}";
                    reader.Read();
                    ConfigurationNode value = Read(ref reader, text, fieldPath, problems);
                    if (!names.Add(name) && node.Find(name) is { } first)
                    {
                        problems.Add(new ConfigurationProblem(
                            text.File, nameLine, nameColumn, fieldPath,
                            $"the field is there twice, first on line {first.Line}; leave one out."));
                    }
                    else
                    {
                        node.Fields.Add(new(name, value));
                    }
                }

                return node;

            case JsonTokenType.StartArray:
                var list = new ConfigurationNode(text.File, path, line, column, JsonValueKind.Array, "");
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Items.Add(Read(ref reader, text, $"{path}[{list.Items.Count}]", problems));
                }

                return list;

            default:
                (JsonValueKind kind, string value2) = reader.TokenType switch
                {
                    JsonTokenType.String => (JsonValueKind.String, reader.GetString()!),
                    JsonTokenType.Number => (JsonValueKind.Number, Encoding.UTF8.GetString(reader.ValueSpan)),
                    JsonTokenType.True => (JsonValueKind.True, "true"),
                    JsonTokenType.False => (JsonValueKind.False, "false"),
                    _ => (JsonValueKind.Null, "null"),
                };
                return new ConfigurationNode(text.File, path, line, column, kind, value2);
        }
    }

    /// <summary>Where the lines of a text begin.</summary>
    private sealed class Text
    {
        private readonly List<long> _lines = [0];

        public Text(string file, ReadOnlySpan<byte> bytes)
        {
            File = file;
            for (int i = 0; i < bytes.Length; i++)
            {
                if (bytes[i] == (byte)'\n')
                {
                    _lines.Add(i + 1);
                }
            }
        }

        public string File { get; }

        public (int Line, int Column) PositionOf(long index)
        {
            int found = _lines.BinarySearch(index);
            int line = found >= 0 ? found : ~found - 1;
            return (line + 1, (int)(index - _lines[line]) + 1);
        }
    }
}
