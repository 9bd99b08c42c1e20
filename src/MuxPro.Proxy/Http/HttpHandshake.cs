using System.Text;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>The server's side of an HTTP/1 proxy up to where it is known who wants what.</summary>
internal static class HttpHandshake
{
    /// <summary>Most bytes in the head of a request or a response.</summary>
    public const int MaxHead = 64 * 1024;

    /// <exception cref="HttpStatusException">The request is answered with an error.</exception>
    public static async ValueTask<(HttpRequest Request, string? User)> ReadRequestAsync(
        HandshakeReader reader, Users users, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> head = await reader.ReadHeadAsync(MaxHead, cancellationToken)
            ?? throw new HttpStatusException(431, $"the head of a request may have {MaxHead} bytes");
        HttpRequest request = HttpRequest.Parse(head.Span);
        return (request, users.IsRequired ? Authenticate(request.Head, users) : null);
    }

    private static string Authenticate(HttpHead head, Users users)
    {
        // | Basic | base64 of name:password | (RFC 7617)
        string[] words = (head.Values("Proxy-Authorization").FirstOrDefault() ?? "").Split(' ', 2)
            .Select(static word => word.Trim(' ', '\t')).ToArray();
        if (words.Length == 2 && words[0].Equals("Basic", StringComparison.OrdinalIgnoreCase))
        {
            byte[] bytes = new byte[words[1].Length];
            if (Convert.TryFromBase64String(words[1], bytes, out int length))
            {
                string[] parts = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
                if (parts.Length == 2 && users.IsRight(parts[0], parts[1]))
                {
                    return parts[0];
                }
            }
        }

        throw new HttpStatusException(HttpReply.ProxyAuthenticationRequired, "this proxy asks for a name and a password");
    }
}
