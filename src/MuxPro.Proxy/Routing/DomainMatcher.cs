using System.Text.RegularExpressions;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Routing;

/// <summary>
/// Whether a name is one of those that a rule names. A lookup costs one probe for each label of the name, however many names there are.
/// </summary>
internal sealed class DomainMatcher
{
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _full;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _domains;
    private readonly string[] _keywords;
    private readonly Regex[] _regexes;
    private readonly Action<Regex> _onTimeout;

    /// <param name="patterns">The names.</param>
    /// <param name="onTimeout">Told of an expression that took too long; it counts as one that does not match.</param>
    public DomainMatcher(IReadOnlyList<DomainPattern> patterns, Action<Regex> onTimeout)
    {
        _onTimeout = onTimeout;
        _full = Names(DomainPatternKind.Full);
        _domains = Names(DomainPatternKind.Domain);
        _keywords = [.. patterns.Where(static pattern => pattern.Kind == DomainPatternKind.Keyword).Select(static pattern => pattern.Text)];
        _regexes = [.. patterns.Select(static pattern => pattern.Regex).OfType<Regex>()];

        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> Names(DomainPatternKind kind)
            => patterns.Where(pattern => pattern.Kind == kind).Select(static pattern => pattern.Text)
                .ToHashSet(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <param name="name">The name, without a dot at its end.</param>
    public bool Matches(ReadOnlySpan<char> name) => _full.Contains(name) || IsBelowDomain(name) || HasKeyword(name) || MatchesRegex(name);

    /// <summary>What follows the first dot, or nothing.</summary>
    public static ReadOnlySpan<char> Parent(ReadOnlySpan<char> name) => name.IndexOf('.') is >= 0 and var dot ? name[(dot + 1)..] : default;

    private bool IsBelowDomain(ReadOnlySpan<char> name)
    {
        for (; !name.IsEmpty; name = Parent(name))
        {
            if (_domains.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    private bool HasKeyword(ReadOnlySpan<char> name)
    {
        foreach (string keyword in _keywords)
        {
            if (name.Contains(keyword, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private bool MatchesRegex(ReadOnlySpan<char> name)
    {
        foreach (Regex regex in _regexes)
        {
            try
            {
                if (regex.IsMatch(name))
                {
                    return true;
                }
            }
            catch (RegexMatchTimeoutException)
            {
                _onTimeout(regex);
            }
        }

        return false;
    }
}
