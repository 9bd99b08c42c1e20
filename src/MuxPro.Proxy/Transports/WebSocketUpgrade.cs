using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>The server's side of the WebSocket handshake (RFC 6455 4.2) on a stream of bytes.</summary>
internal static class WebSocketUpgrade
{
    private const int MaxHead = 16 * 1024;
    private const string Version = "13";
    private const string AcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Answers the request and returns the WebSocket.</summary>
    /// <exception cref="HandshakeException">It is no such request; the other end has been told.</exception>
    public static async ValueTask<WebSocket> AcceptAsync(
        Link link, WebSocketConfiguration settings, TimeProvider time, CancellationToken cancellationToken)
    {
        Stream stream = link.AsStream();
        var reader = new HandshakeReader(stream);
        ReadOnlyMemory<byte>? bytes = await reader.ReadHeadAsync(MaxHead, cancellationToken);
        (int status, string reason, string? key) = bytes is null
            ? (431, "a request head that is too large", null)
            : Judge(bytes.Value.Span, settings);
        if (key is null)
        {
            string upgrade = status == 426
                ? "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
                : "Connection: close\r\n";
            byte[] answer = Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {Phrase(status)}\r\n{upgrade}Content-Length: 0\r\n\r\n");
            await LastWord.SayAsync(link, answer, time, cancellationToken);
            throw new HandshakeException(reason);
        }

        // RFC 6455 4.2.2: the hash is what the protocol asks for, and protects nothing.
#pragma warning disable CA5350
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptSuffix)));
#pragma warning restore CA5350
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"),
            cancellationToken);
        Stream rest = reader.IsDone ? stream : new PrefixedStream(reader, stream);
        return WebSocket.CreateFromStream(rest, new WebSocketCreationOptions { IsServer = true });
    }

    private static (int Status, string Reason, string? Key) Judge(ReadOnlySpan<byte> bytes, WebSocketConfiguration settings)
    {
        HttpHead head;
        try
        {
            head = HttpHead.Parse(bytes);
        }
        catch (FormatException exception)
        {
            return (400, exception.Message, null);
        }

        string[] line = head.StartLine.Split(' ');
        if (line is not ["GET", var target, "HTTP/1.1"])
        {
            return (400, "no HTTP/1.1 GET request", null);
        }

        // RFC 9112 3.2: exactly one, or others on the way may have understood another.
        string[] hosts = [.. head.Values("Host")];
        if (hosts.Length != 1)
        {
            return (400, "a request without one Host", null);
        }

        // What others on the way take for a body would be the first bytes of the WebSocket here.
        if (head.Values("Content-Length").Concat(head.Values("Transfer-Encoding")).Any())
        {
            return (400, "a request for a WebSocket that has a body", null);
        }

        if (target.Split('?', 2)[0] != settings.Path)
        {
            return (404, $"a WebSocket for '{target}', and 'path' is '{settings.Path}'", null);
        }

        if (settings.Host is { } expected && !WithoutPort(hosts[0]).Equals(WithoutPort(expected), StringComparison.OrdinalIgnoreCase))
        {
            return (404, $"a WebSocket for host '{hosts[0]}', and 'host' is '{expected}'", null);
        }

        string key = head.Values("Sec-WebSocket-Key").FirstOrDefault() ?? "";
        bool isUpgrade = Has(head, "Upgrade", "websocket") && Has(head, "Connection", "Upgrade") && IsKey(key);
        return !isUpgrade || head.Values("Sec-WebSocket-Version").FirstOrDefault() != Version
            ? (426, "a request that asks for no WebSocket", null)
            : (101, "", key);
    }

    // An IPv6 address has colons of its own, inside of brackets.
    private static string WithoutPort(string host)
        => host.LastIndexOf(':') is int colon && colon > host.LastIndexOf(']') ? host[..colon] : host;

    private static bool Has(HttpHead head, string field, string word)
        => head.Values(field).SelectMany(static value => value.Split(',', StringSplitOptions.TrimEntries))
            .Contains(word, StringComparer.OrdinalIgnoreCase);

    // RFC 6455 4.1: 16 bytes in base64.
    private static bool IsKey(string key) => Convert.TryFromBase64String(key, stackalloc byte[24], out int length) && length == 16;

    private static string Phrase(int status) => status switch
    {
        404 => "Not Found",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        _ => "Bad Request",
    };
}
