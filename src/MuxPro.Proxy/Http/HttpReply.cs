using System.Globalization;
using System.Text;

namespace MuxPro.Proxy.Http;

/// <summary>What the proxy itself answers in HTTP.</summary>
internal static class HttpReply
{
    public const int ProxyAuthenticationRequired = 407;

    public static byte[] ConnectionEstablished() => "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    /// <summary>An error with one line of text, after which the connection is closed.</summary>
    public static byte[] Error(HttpStatusException error)
    {
        int status = error.Status;
        byte[] body = Encoding.UTF8.GetBytes(error.Message + "\n");
        string cause = error.ProxyError is null
            ? ""
            : $"Proxy-Status: muxpro; error={error.ProxyError}; details={Quote(error.Message)}\r\n";
        string challenge = status == ProxyAuthenticationRequired ? "Proxy-Authenticate: Basic realm=\"muxpro\", charset=\"UTF-8\"\r\n" : "";
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {Reason(status)}\r\n{challenge}{cause}"
                + $"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    // RFC 9651 3.3.3: printable ASCII, with quotes and backslashes escaped.
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char character in text)
        {
            _ = character is '"' or '\\'
                ? quoted.Append('\\').Append(character)
                : quoted.Append(character is >= ' ' and <= '~' ? character : '?');
        }

        return quoted.Append('"').ToString();
    }

    private static string Reason(int status) => status switch
    {
        400 => "Bad Request",
        403 => "Forbidden",
        ProxyAuthenticationRequired => "Proxy Authentication Required",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    };
}
