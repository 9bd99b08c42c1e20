using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Security;

/// <summary>
/// The keys that may use a server, one <c>sha256:HEX name [priority=N]</c> a line, <c>#</c> starts a comment. A file that changed is read again; where it
/// has a mistake, the mistake is logged with its line and the last good list stays.
/// </summary>
internal sealed class AuthorizedKeys
{
    private const int MaxNameLength = 64;
    private const string PriorityWord = "priority=";

    private readonly string? _path;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();

    // Guarded by _gate; _keys is replaced as a whole and read without it.
    private (DateTime Written, long Length) _seen;
    private (DateTime Written, long Length)? _unreadable;
    private volatile FrozenDictionary<Pin, AuthorizedKey> _keys;

    private AuthorizedKeys(string? path, FrozenDictionary<Pin, AuthorizedKey> keys, (DateTime Written, long Length) seen, ILogger logger)
    {
        _path = path;
        _keys = keys;
        _seen = seen;
        _logger = logger;
    }

    public int Count => _keys.Count;

    /// <summary>What to call the list: the file as it was given.</summary>
    public string Name => _path ?? "the list in memory";

    /// <summary>How many keys, in words: <c>1 key</c>, <c>2 keys</c>.</summary>
    public string CountText => _keys.Count is 1 ? "1 key" : $"{_keys.Count} keys";

    /// <summary>A list that lives in memory.</summary>
    public static AuthorizedKeys Of(Pin pin, string name, ILogger logger)
        => new(null, new Dictionary<Pin, AuthorizedKey> { [pin] = new(name, null) }.ToFrozenDictionary(), default, logger);

    public static AuthorizedKeys Load(string path, ILogger logger)
    {
        try
        {
            var seen = FileStamp.Of(path);
            var keys = new AuthorizedKeys(path, Parse(path, ReadAllLines(path)), seen, logger);
            keys.WarnIfEmpty(path);
            return keys;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {FileProblem.Describe(exception)}", exception);
        }
    }

    /// <summary>Reads the file again if it changed.</summary>
    /// <returns>Whether there is a new list.</returns>
    public bool Refresh()
    {
        if (_path is null)
        {
            return false;
        }

        lock (_gate)
        {
            (DateTime Written, long Length) seen = default;
            try
            {
                seen = FileStamp.Of(_path);
                if (seen == _seen)
                {
                    _unreadable = null;
                    return false;
                }

                string[] lines = ReadAllLines(_path);

                // Read, so also where it has a mistake: that is reported once. What cannot be read is tried again: it may revoke a key.
                _seen = seen;
                _unreadable = null;
                _keys = Parse(_path, lines);
                _logger.AuthorizedKeysRead(_path, CountText);
                WarnIfEmpty(_path);
                return true;
            }
            catch (Exception exception) when (exception is (IOException or UnauthorizedAccessException) && _unreadable == seen)
            {
                // Reported when it began.
                return false;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ConfigurationException)
            {
                _unreadable = exception is ConfigurationException ? null : seen;
                _logger.AuthorizedKeysKept(
                    exception is ConfigurationException ? exception.Message : $"{_path}: {FileProblem.Describe(exception)}", CountText);
                return false;
            }
        }
    }

    public bool TryGet(Pin pin, [NotNullWhen(true)] out AuthorizedKey? key) => _keys.TryGetValue(pin, out key);

    internal static FrozenDictionary<Pin, AuthorizedKey> Parse(string path, IReadOnlyList<string> lines)
    {
        var keys = new Dictionary<Pin, AuthorizedKey>();
        for (int i = 0; i < lines.Count; i++)
        {
            string line = lines[i].Split('#', 2)[0].Trim();
            if (line.Length == 0)
            {
                continue;
            }

            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (!Pin.TryParse(words[0], out Pin? pin))
            {
                throw new ConfigurationException($"{path}:{i + 1}: a line starts with 'sha256:' and 64 hexadecimal digits.");
            }

            if (words.Length is < 2 or > 3 || !IsName(words[1]) || (words.Length == 3 && !words[2].StartsWith(PriorityWord, StringComparison.Ordinal)))
            {
                throw new ConfigurationException(
                    $"{path}:{i + 1}: after the key comes one name of letters, digits and -_.@, and after it nothing or priority=N.");
            }

            byte? highest = words.Length == 2 ? null : ParsePriority(words[2], $"{path}:{i + 1}");
            if (!keys.TryAdd(pin, new AuthorizedKey(words[1], highest)))
            {
                throw new ConfigurationException($"{path}:{i + 1}: this key stands further up as '{keys[pin].Name}'.");
            }
        }

        return keys.ToFrozenDictionary();
    }

    private static byte ParsePriority(string word, string where)
        => PriorityRules.TryParsePriority(word.AsSpan(PriorityWord.Length), out byte priority)
            ? priority
            : throw new ConfigurationException($"{where}: '{word}': {PriorityRules.WhatAPriorityIs}");

    private void WarnIfEmpty(string path)
    {
        if (_keys.Count == 0)
        {
            _logger.NobodyAuthorized(path);
        }
    }

    private static bool IsName(string name)
        => name.Length <= MaxNameLength && name.All(character => char.IsAsciiLetterOrDigit(character) || "-_.@".Contains(character));

    private static string[] ReadAllLines(string path) => NamedFile.ReadAllText(path).ReplaceLineEndings("\n").Split('\n');
}

/// <summary>What a line says about a key.</summary>
/// <param name="Name">The user.</param>
/// <param name="HighestPriority">The highest priority that the user may have, or <see langword="null"/> where the server's setting counts.</param>
internal sealed record AuthorizedKey(string Name, byte? HighestPriority);
