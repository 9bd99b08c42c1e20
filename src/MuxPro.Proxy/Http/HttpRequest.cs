using System.Diagnostics.CodeAnalysis;

namespace MuxPro.Proxy.Http;

/// <summary>A request to an HTTP proxy: CONNECT, or a method with an absolute <c>http://</c> target.</summary>
internal sealed class HttpRequest
{
    private const int DefaultPort = 80;

    // A WebSocket begins as a request like others (RFC 6455 1.7).
    private static readonly string[] Schemes = ["http://", "ws://"];

    // RFC 9110 9.2.1: asking them twice does no harm.
    private static readonly string[] SafeMethods = ["GET", "HEAD", "OPTIONS", "TRACE"];

    private byte[]? _toOrigin;

    private HttpRequest(
        string method, string version, string originTarget, string authority, Destination destination, HttpHead head, HttpBody body)
    {
        Method = method;
        Version = version;
        OriginTarget = originTarget;
        Authority = authority;
        Destination = destination;
        Head = head;
        Body = body;
        IsUpgrade = !head.IsVersion10 && body == HttpBody.None
            && head.HasElement("Connection", HttpHead.Upgrade) && head.Values(HttpHead.Upgrade).Any();
        IsPersistent = head.IsPersistent;
    }

    public string Method { get; }

    public string Version { get; }

    /// <summary>What the origin gets as its target: path and query.</summary>
    public string OriginTarget { get; }

    /// <summary>Host and port as the request wrote them, without user information.</summary>
    public string Authority { get; }

    public Destination Destination { get; }

    public HttpHead Head { get; }

    public HttpBody Body { get; }

    public bool IsConnect => Method == "CONNECT";

    /// <summary>Whether the application asks for another protocol on its connection (RFC 9110 7.8).</summary>
    public bool IsUpgrade { get; }

    /// <summary>Whether the application's connection goes on after the answer.</summary>
    public bool IsPersistent { get; }

    /// <summary>Whether it can be sent once more where a connection ended without an answer (RFC 9110 9.2.2).</summary>
    public bool IsRepeatable => Body == HttpBody.None && !IsUpgrade && SafeMethods.Contains(Method);

    /// <exception cref="HttpStatusException">The request is answered with an error.</exception>
    public static HttpRequest Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            HttpHead head = HttpHead.Parse(bytes);
            string[] words = head.StartLine.Split(' ');
            if (words.Length != 3 || !HttpHead.IsToken(words[0]) || words[1].Length == 0 || words[1].Contains('\t'))
            {
                throw new HttpStatusException(400, "the request line is no METHOD TARGET VERSION");
            }

            if (words[2] is not ("HTTP/1.1" or "HTTP/1.0"))
            {
                throw new HttpStatusException(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
            }

            return words[0] == "CONNECT" ? ParseConnect(words, head) : ParseAbsolute(words, head);
        }
        catch (TooManyFieldsException exception)
        {
            throw new HttpStatusException(431, $"the request has {exception.Message}", exception);
        }
        catch (FormatException exception)
        {
            throw new HttpStatusException(400, $"the request has {exception.Message}", exception);
        }
    }

    /// <summary>The head as the origin gets it.</summary>
    public byte[] ToOrigin() => _toOrigin ??= MakeHeadForOrigin();

    private byte[] MakeHeadForOrigin()
    {
        Head.PassOn(IsUpgrade ? HttpHead.Upgrade : IsPersistent ? null : HttpHead.Close);

        // RFC 9112 3.2.2: the target decides, whatever Host said.
        Head.Remove("Host");
        Head.Fields.Insert(0, new("Host", Authority));
        return Head.ToBytes($"{Method} {OriginTarget} {Version}", []);
    }

    private static HttpRequest ParseConnect(string[] words, HttpHead head)
    {
        if (!Destination.TryParse("tcp:" + words[1], out Destination? destination))
        {
            throw new HttpStatusException(400, "the target of CONNECT is no HOST:PORT");
        }

        return new HttpRequest(words[0], words[2], words[1], words[1], destination, head, HttpBody.None);
    }

    private static HttpRequest ParseAbsolute(string[] words, HttpHead head)
    {
        if (Schemes.FirstOrDefault(known => words[1].StartsWith(known, StringComparison.OrdinalIgnoreCase)) is not { } scheme)
        {
            throw words[1].Contains("://", StringComparison.Ordinal) && !words[1].StartsWith('/')
                ? new HttpStatusException(501, "a proxy takes http:// targets here, and CONNECT for everything else")
                : new HttpStatusException(400, "this is a proxy: the target of a request must be an absolute http:// address");
        }

        string rest = words[1][scheme.Length..].Split('#', 2)[0];
        int end = rest.AsSpan().IndexOfAny('/', '?');
        string target = end < 0 ? "" : rest[end..];
        string authority = end < 0 ? rest : rest[..end];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        if (!TryParseAuthority(authority, out Destination? destination))
        {
            throw new HttpStatusException(400, "the target's host is neither a domain name nor an address");
        }

        string origin = target switch
        {
            "" when words[0] == "OPTIONS" => "*",
            ['/', ..] => target,
            _ => "/" + target,
        };
        return new HttpRequest(words[0], words[2], origin, authority, destination, head, HttpBody.OfRequest(head));
    }

    private static bool TryParseAuthority(string authority, [NotNullWhen(true)] out Destination? destination)
    {
        // "host:" is legal and means the default port (RFC 3986 3.2.3).
        string text = authority.EndsWith(':') && !authority.EndsWith("::", StringComparison.Ordinal) ? authority[..^1] : authority;
        bool hasPort = text.LastIndexOf(':') > text.LastIndexOf(']');
        return Destination.TryParse(hasPort ? "tcp:" + text : $"tcp:{text}:{DefaultPort}", out destination);
    }
}
