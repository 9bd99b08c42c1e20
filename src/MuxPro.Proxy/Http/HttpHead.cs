using System.Buffers;
using System.Globalization;
using System.Text;

namespace MuxPro.Proxy.Http;

/// <summary>Start line and header fields of an HTTP/1 message. Strict: what two readers could understand differently is refused.</summary>
internal sealed class HttpHead
{
    public const int MaxFields = 256;

    /// <summary>The option of Connection with which the connection ends after the message.</summary>
    public const string Close = "close";

    /// <summary>The option of Connection, and the field, by which another protocol is asked for and agreed on.</summary>
    public const string Upgrade = "Upgrade";

    // RFC 9110 7.6.3: the pseudonym of whoever received the message.
    private const string Pseudonym = "muxpro";

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> ControlCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7f).Where(code => code != '\t').Select(code => (char)code)]);

    // RFC 9110 7.6.1: for one connection only; the body goes through as it is framed, so Transfer-Encoding stays.
    private static readonly string[] HopByHop =
        ["Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Authenticate", "TE", Upgrade];

    // A Connection field must not take away what frames or routes the message.
    private static readonly string[] NeverHopByHop = ["Content-Length", "Transfer-Encoding", "Host"];

    private HttpHead(string startLine, List<KeyValuePair<string, string>> fields)
    {
        StartLine = startLine;
        Fields = fields;
    }

    public string StartLine { get; }

    /// <summary>Whether it is one of HTTP/1.0, whose connections end with their message.</summary>
    public bool IsVersion10 => StartLine.StartsWith("HTTP/", StringComparison.Ordinal)
        ? StartLine.StartsWith("HTTP/1.0", StringComparison.Ordinal) : StartLine.EndsWith(" HTTP/1.0", StringComparison.Ordinal);

    /// <summary>Whether its connection goes on after the message (RFC 9112 9.3).</summary>
    public bool IsPersistent => !IsVersion10 && !HasElement("Connection", Close) && !HasElement("Proxy-Connection", Close);

    public List<KeyValuePair<string, string>> Fields { get; }

    /// <summary>Reads a head with its closing empty line.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static HttpHead Parse(ReadOnlySpan<byte> bytes)
    {
        // RFC 9112 2.2: bare line feeds may end the lines, and leave here as CR LF. With both in one head two readers could differ.
        string text = Encoding.Latin1.GetString(bytes);
        string[] lines = text.Split(text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n");
        var fields = new List<KeyValuePair<string, string>>(lines.Length);
        foreach (string line in lines)
        {
            if (line.AsSpan().ContainsAny(ControlCharacters))
            {
                throw new FormatException("a control character inside a line");
            }
        }

        if (lines.Length - 3 > MaxFields)
        {
            throw new TooManyFieldsException();
        }

        // After the last line come the empty line and what follows its break: nothing.
        foreach (string line in lines[1..^2])
        {
            int colon = line.IndexOf(':');
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(TokenCharacters))
            {
                throw new FormatException("a header field without a proper name");
            }

            fields.Add(new(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return new HttpHead(lines[0], fields);
    }

    public static bool IsToken(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(TokenCharacters);

    public IEnumerable<string> Values(string name)
        => Fields.Where(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    /// <summary>The elements of a list. Only SP and HTAB are white space (RFC 9110 5.6.3).</summary>
    public IEnumerable<string> Elements(string name)
        => Values(name).SelectMany(static value => value.Split(',')).Select(static element => element.Trim(' ', '\t'));

    /// <summary>Whether a list has an element, in upper or lower case.</summary>
    public bool HasElement(string name, string element) => Elements(name).Contains(element, StringComparer.OrdinalIgnoreCase);

    /// <summary>Says the length once, however often it was said (RFC 9110 8.6).</summary>
    public void SetContentLength(long length)
    {
        Remove("Content-Length");
        Fields.Add(new("Content-Length", length.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Takes out what frames a body: messages that have none must not have it (RFC 9110 8.6, RFC 9112 6.1).</summary>
    public void RemoveFraming()
    {
        Remove("Content-Length");
        Remove("Transfer-Encoding");
    }

    public void Remove(string name) => Fields.RemoveAll(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Makes it a message of the next connection: without what was meant for the last one alone, and with this proxy in Via.
    /// </summary>
    /// <param name="connection">What Connection says there; <see langword="null"/> where the connection goes on.</param>
    public void PassOn(string? connection)
    {
        var names = Elements("Connection").ToHashSet(StringComparer.OrdinalIgnoreCase);
        names.ExceptWith(NeverHopByHop);
        names.UnionWith(HopByHop);
        if (connection == Upgrade)
        {
            names.Remove(Upgrade);
        }

        Fields.RemoveAll(field => names.Contains(field.Key));
        Fields.Add(new("Via", $"{(IsVersion10 ? "1.0" : "1.1")} {Pseudonym}"));
        if (connection is not null)
        {
            Fields.Add(new("Connection", connection));
        }
    }

    /// <summary>The length that Content-Length gives, or <see langword="null"/> where there is none.</summary>
    /// <exception cref="FormatException">It is no number, or there are different ones.</exception>
    public long? ContentLength()
    {
        long? length = null;
        foreach (string value in Elements("Content-Length"))
        {
            if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || (length ?? number) != number)
            {
                throw new FormatException("a Content-Length that is not one number");
            }

            length = number;
        }

        return length;
    }

    /// <summary>The codings of Transfer-Encoding in the order they were applied, in lower case.</summary>
    public IReadOnlyList<string> TransferEncodings()
        => [.. Elements("Transfer-Encoding").Select(value => value.ToLowerInvariant())];

    /// <param name="startLine">The start line.</param>
    /// <param name="body">What of the body goes with the head, so that a short message is one write.</param>
    public byte[] ToBytes(string startLine, ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder(startLine).Append("\r\n");
        foreach ((string name, string value) in Fields)
        {
            text.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        string head = text.Append("\r\n").ToString();
        byte[] bytes = new byte[head.Length + body.Length];
        Encoding.Latin1.GetBytes(head, bytes);
        body.CopyTo(bytes.AsSpan(head.Length));
        return bytes;
    }
}

/// <summary>A head that is one, but too long.</summary>
internal sealed class TooManyFieldsException() : FormatException($"more than {HttpHead.MaxFields} header fields");
