using System.Text.RegularExpressions;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Names of targets. Letters count as the same in upper and lower case.</summary>
internal sealed record DomainPattern : IConfigurationValue<DomainPattern>
{
    // What an application asks for may be made to take long: a rule that did not decide by then does not match.
    private static readonly TimeSpan RegexTimeout = TimeSpan.FromMilliseconds(50);

    private DomainPattern(DomainPatternKind kind, string text, Regex? regex = null) => (Kind, Text, Regex) = (kind, text, regex);

    public static string Pattern => "^((domain|full|keyword|regexp):.+|[^:]+)$";

    public DomainPatternKind Kind { get; }

    /// <summary>In lower case; of <see cref="DomainPatternKind.Regex"/> the expression as it was written.</summary>
    public string Text { get; }

    /// <summary>Of <see cref="DomainPatternKind.Regex"/>.</summary>
    public Regex? Regex { get; }

    public static DomainPattern Parse(string text)
    {
        int colon = text.IndexOf(':');
        string kind = colon < 0 ? "" : text[..colon];
        string rest = text[(colon + 1)..];
        if (rest.Length == 0)
        {
            throw new FormatException("a name behind the colon, such as 'domain:example.com'");
        }

        return kind switch
        {
            "" or "keyword" => new DomainPattern(DomainPatternKind.Keyword, rest.ToLowerInvariant()),
            "domain" => new DomainPattern(DomainPatternKind.Domain, rest.ToLowerInvariant().Trim('.')),
            "full" => new DomainPattern(DomainPatternKind.Full, rest.ToLowerInvariant().TrimEnd('.')),
            "regexp" => new DomainPattern(DomainPatternKind.Regex, rest, ToRegex(rest)),
            "geosite" or "ext" => throw new FormatException("a domain, such as 'domain:example.com': lists of domains are not read here"),
            _ => throw new FormatException("a keyword, or one of 'domain:', 'full:', 'keyword:' and 'regexp:' before a name"),
        };
    }

    public override string ToString()
        => Kind == DomainPatternKind.Regex ? $"regexp:{Text}" : $"{Kind.ToString().ToLowerInvariant()}:{Text}";

    private static Regex ToRegex(string text)
    {
        try
        {
            return new Regex(text, RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, RegexTimeout);
        }
        catch (ArgumentException exception)
        {
            throw new FormatException($"a regular expression behind 'regexp:': {exception.Message.TrimEnd('.')}", exception);
        }
    }
}

/// <summary>How a <see cref="DomainPattern"/> is compared.</summary>
internal enum DomainPatternKind
{
    /// <summary>It is anywhere in the name.</summary>
    Keyword,

    /// <summary>It is the name, or what the name is below.</summary>
    Domain,

    /// <summary>It is the name.</summary>
    Full,

    /// <summary>The name matches it.</summary>
    Regex,
}
