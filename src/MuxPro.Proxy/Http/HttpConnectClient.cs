using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>The client's side of an HTTP proxy: CONNECT (RFC 9110 9.3.6), with name and password where they are given (RFC 7617).</summary>
internal static class HttpConnectClient
{
    private const int MaxHead = 16 * 1024;
    private const int MaxHeads = 8;
    private const int ProxyAuthenticationRequired = 407;

    /// <summary>Has a proxy connect to a destination; a name is looked up there.</summary>
    /// <param name="link">The connection to the proxy; aborted where this fails.</param>
    /// <param name="proxy">The proxy, as messages name it.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="account">How to log in, where that is asked.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link to the destination.</returns>
    /// <exception cref="SessionException">The proxy did not reach the destination.</exception>
    /// <exception cref="IOException">The proxy does not do what one does.</exception>
    public static async ValueTask<Link> ConnectAsync(
        Link link, string proxy, Destination destination, AccountConfiguration? account, CancellationToken cancellationToken)
    {
        try
        {
            Stream stream = link.AsStream();
            string host = destination.Address is { AddressFamily: AddressFamily.InterNetworkV6 }
                ? $"[{destination.Host}]"
                : destination.Host;
            string authority = string.Create(CultureInfo.InvariantCulture, $"{host}:{destination.Port}");
            string login = account is null
                ? "" : $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{account.User}:{account.Pass}"))}\r\n";
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n"), cancellationToken);
            var reader = new HandshakeReader(stream);
            (int status, string? error) = await ReadAnswerAsync(reader, proxy, cancellationToken);
            if (status == ProxyAuthenticationRequired)
            {
                throw new IOException(account is null
                    ? $"The HTTP proxy {proxy} asks for a login: 'users' is empty."
                    : $"The HTTP proxy {proxy} does not know user '{account.User}' by that password.");
            }

            if (status is < 200 or > 299)
            {
                (ErrorCode code, FailureDetail detail) = HttpErrors.ToCode(status, error);
                throw new SessionException(code, $"{destination}: the HTTP proxy {proxy} answers {status}.") { Detail = detail };
            }

            return reader.IsDone ? link : new PrefixedLink(reader, link);
        }
        catch (Exception exception) when (exception is EndOfStreamException or SocketException)
        {
            link.Abort();
            throw new IOException($"The HTTP proxy {proxy} broke off: {exception.Message}", exception);
        }
        catch
        {
            link.Abort();
            throw;
        }
    }

    /// <summary>The status, and what RFC 9209 has to say of it.</summary>
    private static async ValueTask<(int Status, string? Error)> ReadAnswerAsync(
        HandshakeReader reader, string proxy, CancellationToken cancellationToken)
    {
        for (int i = 0; i < MaxHeads; i++)
        {
            ReadOnlyMemory<byte>? bytes = await reader.ReadHeadAsync(MaxHead, cancellationToken);
            if (bytes is null || !TryParse(bytes.Value.Span, out HttpHead? head, out int status))
            {
                break;
            }

            // RFC 9110 15.2: others may come first; after 101 there is no other answer.
            if (status is >= 200 or 101)
            {
                return (status, ErrorOf(head));
            }
        }

        throw new IOException($"{proxy} does not answer as an HTTP proxy.");
    }

    private static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out HttpHead? head, out int status)
    {
        (head, status) = (null, 0);
        try
        {
            // | HTTP/1.x | status | reason |
            head = HttpHead.Parse(bytes);
            string line = head.StartLine;
            return line.StartsWith("HTTP/1.", StringComparison.Ordinal) && line.Length >= 12 && line[8] == ' '
                && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out status) && status >= 100;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // RFC 9209 2: | name; error=word; details="...", name; ... |, and the first is the one nearest to the target.
    private static string? ErrorOf(HttpHead head)
        => head.Values("Proxy-Status").FirstOrDefault()?.Split([';', ','], StringSplitOptions.TrimEntries)
            .FirstOrDefault(static part => part.StartsWith("error=", StringComparison.Ordinal))?["error=".Length..];
}
