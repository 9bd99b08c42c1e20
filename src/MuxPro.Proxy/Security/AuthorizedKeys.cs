using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Security;

/// <summary>The keys that may use a server, one <c>sha256:HEX name [priority=N]</c> a line, <c>#</c> starts a comment. Immutable.</summary>
internal sealed class AuthorizedKeys
{
    private const int MaxNameLength = 64;
    private const string PriorityWord = "priority=";

    private readonly FrozenDictionary<Pin, AuthorizedKey> _keys;

    private AuthorizedKeys(string path, FrozenDictionary<Pin, AuthorizedKey> keys) => (Path, _keys) = (path, keys);

    public int Count => _keys.Count;

    /// <summary>The file as it was given.</summary>
    public string Path { get; }

    /// <summary>How many keys, in words: <c>1 key</c>, <c>2 keys</c>.</summary>
    public string CountText => _keys.Count is 1 ? "1 key" : $"{_keys.Count} keys";

    /// <exception cref="ConfigurationException">The file cannot be read or has a mistake; the message names it, and the line.</exception>
    public static AuthorizedKeys Load(string path)
    {
        try
        {
            return Parse(path, NamedFile.ReadAllText(path).ReplaceLineEndings("\n").Split('\n'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ConfigurationException.OfFile(path, exception);
        }
    }

    public bool TryGet(Pin pin, [NotNullWhen(true)] out AuthorizedKey? key) => _keys.TryGetValue(pin, out key);

    internal static AuthorizedKeys Parse(string path, IReadOnlyList<string> lines)
    {
        var keys = new Dictionary<Pin, AuthorizedKey>();
        for (int i = 0; i < lines.Count; i++)
        {
            string[] words = lines[i].Split('#', 2)[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
            {
                continue;
            }

            if (!Pin.TryParse(words[0], out Pin? pin))
            {
                throw ConfigurationException.OfLine(path, i + 1, "a line starts with 'sha256:' and 64 hexadecimal digits.");
            }

            if (words.Length is < 2 or > 3 || !IsName(words[1])
                || (words.Length == 3 && !words[2].StartsWith(PriorityWord, StringComparison.Ordinal)))
            {
                throw ConfigurationException.OfLine(
                    path, i + 1, "after the key comes one name of letters, digits and -_.@, and after it nothing or priority=N.");
            }

            byte? highest = null;
            if (words.Length == 3)
            {
                highest = byte.TryParse(words[2].AsSpan(PriorityWord.Length), NumberStyles.None, CultureInfo.InvariantCulture,
                    out byte priority)
                    ? priority
                    : throw ConfigurationException.OfLine(
                        path, i + 1, $"'{words[2]}': a priority is a number from 0, served first, to 255.");
            }

            if (!keys.TryAdd(pin, new AuthorizedKey(words[1], highest)))
            {
                throw ConfigurationException.OfLine(path, i + 1, $"this key stands further up as '{keys[pin].Name}'.");
            }
        }

        return new AuthorizedKeys(path, keys.ToFrozenDictionary());
    }

    private static bool IsName(string name)
        => name.Length <= MaxNameLength && name.All(character => char.IsAsciiLetterOrDigit(character) || "-_.@".Contains(character));
}

/// <summary>What a line says about a key.</summary>
/// <param name="Name">The user.</param>
/// <param name="HighestPriority">The highest priority that the user may have, or <see langword="null"/> where the server's setting
/// counts.</param>
internal sealed record AuthorizedKey(string Name, byte? HighestPriority);
