using System.Globalization;
using System.Text;
using MuxPro.Proxy.Configuration;
using MuxPro.Proxy.Inbounds;

namespace MuxPro.Proxy.Outbounds;

/// <summary>The client's side of an HTTP proxy: CONNECT (RFC 9110 9.3.6), with name and password where they are given (RFC 7617).</summary>
internal static class HttpConnectClient
{
    private const int MaxHead = 16 * 1024;
    private const int ProxyAuthenticationRequired = 407;

    /// <inheritdoc cref="SocksClient.ConnectAsync"/>
    public static async ValueTask<Link> ConnectAsync(
        Link link, string proxy, Destination destination, AccountConfiguration? account, CancellationToken cancellationToken)
    {
        try
        {
            Stream stream = link.AsStream();
            string host = destination.Address is { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6 } ? $"[{destination.Host}]" : destination.Host;
            string authority = string.Create(CultureInfo.InvariantCulture, $"{host}:{destination.Port}");
            string login = account is null
                ? "" : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{account.User}:{account.Pass}"))}\r\n";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n"), cancellationToken);
            var reader = new HandshakeReader(stream);
            int status = await ReadStatusAsync(reader, proxy, cancellationToken);
            if (status is < 200 or > 299)
            {
                throw status == ProxyAuthenticationRequired
                    ? new IOException(account is null
                        ? $"The HTTP proxy {proxy} asks for a login: 'users' is empty."
                        : $"The HTTP proxy {proxy} does not know user '{account.User}' by that password.")
                    : new SessionException(ErrorReplies.OfHttpStatus(status), $"{destination}: the HTTP proxy {proxy} answers {status}.");
            }

            return reader.Buffered.IsEmpty ? link : Link.FromStream(new PrefixedStream(reader.Buffered.ToArray(), stream));
        }
        catch
        {
            link.Abort();
            throw;
        }
    }

    private static async ValueTask<int> ReadStatusAsync(HandshakeReader reader, string proxy, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>? head = await reader.ReadHeadAsync(MaxHead, cancellationToken);
        try
        {
            // | HTTP/1.x | status | reason |
            string line = head is null ? "" : HttpHead.Parse(head.Value.Span).StartLine;
            return line.StartsWith("HTTP/1.", StringComparison.Ordinal) && line.Length >= 12
                && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status)
                ? status : throw new FormatException();
        }
        catch (FormatException exception)
        {
            throw new IOException($"{proxy} does not answer as an HTTP proxy.", exception);
        }
    }
}
