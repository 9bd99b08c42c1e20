using System.Net;
using System.Text.RegularExpressions;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Routing;

/// <summary>
/// Finds the first rule that matches without comparing all: rules that ask for certain names or networks are found by those, and only the
/// others are gone through in order. Immutable once made.
/// </summary>
internal sealed class RuleIndex
{
    public const int None = int.MaxValue;

    private readonly CompiledRule[] _rules;

    // Which rules a name or a network leads to, in order.
    private readonly Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> _byFullName;
    private readonly Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> _byDomain;
    private readonly PrefixMap<List<int>> _byNetwork = new();
    private readonly int[] _others;

    public RuleIndex(IReadOnlyList<RuleConfiguration> rules, Action<Regex> onRegexTimeout)
    {
        _rules = [.. rules.Select((rule, index) => new CompiledRule(rule, index, onRegexTimeout))];
        _byFullName = NewNames();
        _byDomain = NewNames();
        var others = new List<int>();
        for (int i = 0; i < rules.Count; i++)
        {
            if (!TryIndex(rules[i], i))
            {
                others.Add(i);
            }
        }

        _others = [.. others];
        FirstByAddress = Array.FindIndex(_rules, static rule => rule.HasAddress) is >= 0 and var first ? first : None;
    }

    /// <summary>The first rule that asks for an address, or <see cref="None"/>.</summary>
    public int FirstByAddress { get; }

    public CompiledRule this[int index] => _rules[index];

    /// <summary>The first rule that matches, or <see cref="None"/>.</summary>
    public int Find(in RouteRequest request, ReadOnlySpan<char> name, ReadOnlySpan<IPAddress> addresses)
    {
        int best = None;
        if (!name.IsEmpty)
        {
            if (_byFullName.TryGetValue(name, out List<int>? full))
            {
                best = First(full, best, request, name, addresses);
            }

            for (ReadOnlySpan<char> rest = name; !rest.IsEmpty; rest = DomainMatcher.Parent(rest))
            {
                if (_byDomain.TryGetValue(rest, out List<int>? domain))
                {
                    best = First(domain, best, request, name, addresses);
                }
            }
        }

        best = FindByNetwork(best, request, name, addresses);
        foreach (int rule in _others)
        {
            if (rule >= best)
            {
                break;
            }

            if (_rules[rule].Matches(request, name, addresses))
            {
                return rule;
            }
        }

        return best;
    }

    private int FindByNetwork(int best, in RouteRequest request, ReadOnlySpan<char> name, ReadOnlySpan<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
        {
            IPAddress plain = Addresses.Plain(address);
            foreach (int length in _byNetwork.LengthsFor(plain))
            {
                if (_byNetwork.TryGet(plain, length, out List<int>? rules))
                {
                    best = First(rules, best, request, name, addresses);
                }
            }
        }

        return best;
    }

    private int First(List<int> rules, int best, in RouteRequest request, ReadOnlySpan<char> name, ReadOnlySpan<IPAddress> addresses)
    {
        foreach (int rule in rules)
        {
            if (rule >= best)
            {
                return best;
            }

            if (_rules[rule].Matches(request, name, addresses))
            {
                return rule;
            }
        }

        return best;
    }

    /// <summary>Files a rule under all that it may match by. It needs one field of which every value can be looked up.</summary>
    private bool TryIndex(RuleConfiguration rule, int index)
    {
        if (rule.Domain.Count > 0)
        {
            if (rule.Domain.Any(static pattern => pattern.Kind is DomainPatternKind.Keyword or DomainPatternKind.Regex))
            {
                return false;
            }

            foreach (DomainPattern pattern in rule.Domain)
            {
                Add(pattern.Kind == DomainPatternKind.Full ? _byFullName.Dictionary : _byDomain.Dictionary, pattern.Text, index);
            }

            return true;
        }

        if (rule.Ip.Count == 0 || rule.Ip.Any(static pattern => pattern.Network is null))
        {
            return false;
        }

        foreach (AddressPattern pattern in rule.Ip)
        {
            AddOnce(_byNetwork.GetOrAdd(pattern.Network!.Value, static () => []), index);
        }

        return true;
    }

    private static void Add(Dictionary<string, List<int>> names, string name, int index)
    {
        if (!names.TryGetValue(name, out List<int>? rules))
        {
            names[name] = rules = [];
        }

        AddOnce(rules, index);
    }

    private static void AddOnce(List<int> rules, int index)
    {
        if (rules.Count == 0 || rules[^1] != index)
        {
            rules.Add(index);
        }
    }

    private static Dictionary<string, List<int>>.AlternateLookup<ReadOnlySpan<char>> NewNames()
        => new Dictionary<string, List<int>>(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
}
