using System.Text;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class HttpRequestTests
{
    [Theory]
    [InlineData("GET http://example.com/a?b=c HTTP/1.1", "tcp:example.com:80", "GET /a?b=c HTTP/1.1", "example.com")]
    [InlineData("GET http://example.com HTTP/1.1", "tcp:example.com:80", "GET / HTTP/1.1", "example.com")]
    [InlineData("GET HTTP://example.com:/ HTTP/1.0", "tcp:example.com:80", "GET / HTTP/1.0", "example.com:")]
    [InlineData("GET http://example.com?q HTTP/1.1", "tcp:example.com:80", "GET /?q HTTP/1.1", "example.com")]
    [InlineData("GET http://example.com/a#b HTTP/1.1", "tcp:example.com:80", "GET /a HTTP/1.1", "example.com")]
    [InlineData("GET http://[::1]:8080/ HTTP/1.1", "tcp:[::1]:8080", "GET / HTTP/1.1", "[::1]:8080")]
    [InlineData("GET http://[::1]/ HTTP/1.1", "tcp:[::1]:80", "GET / HTTP/1.1", "[::1]")]
    [InlineData("GET http://user:p@ss@example.com:81/x HTTP/1.1", "tcp:example.com:81", "GET /x HTTP/1.1", "example.com:81")]
    [InlineData("GET ws://127.0.0.1/%20/../x HTTP/1.1", "tcp:127.0.0.1:80", "GET /%20/../x HTTP/1.1", "127.0.0.1")]
    [InlineData("OPTIONS http://example.com HTTP/1.1", "tcp:example.com:80", "OPTIONS * HTTP/1.1", "example.com")]
    public void Absolute_BecomesOriginForm(string line, string destination, string originLine, string host)
    {
        HttpRequest request = Parse($"{line}\r\nHost: other.example\r\n\r\n");
        Assert.False(request.IsConnect);
        Assert.Equal(destination, request.Destination.ToString());
        string last = originLine.EndsWith("1.0", StringComparison.Ordinal) ? "Via: 1.0 muxpro\r\nConnection: close" : "Via: 1.1 muxpro";
        Assert.Equal($"{originLine}\r\nHost: {host}\r\n{last}\r\n\r\n", Encoding.ASCII.GetString(request.ToOrigin()));

        // However often it is sent.
        Assert.Same(request.ToOrigin(), request.ToOrigin());
    }

    [Theory]
    [InlineData("CONNECT example.com:443 HTTP/1.1", "tcp:example.com:443")]
    [InlineData("CONNECT [2001:db8::1]:443 HTTP/1.0", "tcp:[2001:db8::1]:443")]
    public void Connect_GivesTheDestination(string line, string destination)
    {
        HttpRequest request = Parse($"{line}\r\n\r\n");
        Assert.True(request.IsConnect);
        Assert.Equal(destination, request.Destination.ToString());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a", 400)]
    [InlineData("GET /x?u=http://a HTTP/1.1\r\nHost: a", 400)]
    [InlineData("GET https://example.com/ HTTP/1.1", 501)]
    [InlineData("GET ftp://example.com/ HTTP/1.1", 501)]
    [InlineData("GET wss://example.com/ HTTP/1.1", 501)]
    [InlineData("GET http:///x HTTP/1.1", 400)]
    [InlineData("GET http://a:b/ HTTP/1.1", 400)]
    [InlineData("GET http://a:70000/ HTTP/1.1", 400)]
    [InlineData("GET http://::1/ HTTP/1.1", 400)]
    [InlineData("GET http://a%20b/ HTTP/1.1", 400)]
    [InlineData("GET  http://a/ HTTP/1.1", 400)]
    [InlineData("GET http://a/ HTTP/1.1 ", 400)]
    [InlineData("GET http://a/", 400)]
    [InlineData("G(T http://a/ HTTP/1.1", 400)]
    [InlineData("CONNECT example.com HTTP/1.1", 400)]
    [InlineData("CONNECT http://example.com:443 HTTP/1.1", 400)]
    [InlineData("PRI * HTTP/2.0", 505)]
    [InlineData("GET http://a/ HTTP/1.1\r\nno colon", 400)]
    [InlineData("GET http://a/ HTTP/1.1\r\nName : x", 400)]
    [InlineData("GET http://a/ HTTP/1.1\r\n folded: x", 400)]
    [InlineData("GET http://a/ HTTP/1.1\r\nA: b\nInjected: c", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: -1", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: +1", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 400)]
    [InlineData("POST http://a/ HTTP/1.1\r\nTransfer-Encoding: xchunked", 400)]
    [InlineData("POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked", 400)]
    [InlineData("GET http://a/\tb HTTP/1.1", 400)]
    [InlineData("GET http://a/\u0001 HTTP/1.1", 400)]
    [InlineData("GET http://a/\u007f HTTP/1.1", 400)]
    [InlineData("GET http://a/ HTTP/1.1\r\nX: a\u001bb", 400)]
    public void NotARequest_Refused(string head, int status)
        => Assert.Equal(status, Assert.Throws<HttpStatusException>(() => Parse(head + "\r\n\r\n")).Status);

    [Fact]
    public void HopByHop_IsTakenOut_FramingStays()
    {
        HttpRequest request = Parse(
            "POST http://a/ HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Secret, transfer-encoding\r\nProxy-Connection: keep-alive\r\n"
            + "Proxy-Authorization: Basic x\r\nX-Secret: 1\r\nX-Kept: 2\r\nUpgrade: h2c\r\nTE: trailers\r\nKeep-Alive: 1\r\n"
            + "Expect: 100-continue\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n");
        Assert.Equal(
            "POST / HTTP/1.1\r\nHost: a\r\nX-Kept: 2\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nVia: 1.1 muxpro\r\n\r\n",
            Encoding.ASCII.GetString(request.ToOrigin()));
    }

    [Theory]
    [InlineData("GET", "Connection: x, Upgrade\r\nUpgrade: websocket", true)]
    [InlineData("GET", "Connection: close, upgrade\r\nupgrade: websocket, other", true)]
    [InlineData("GET", "Connection: Upgrade", false)]
    [InlineData("GET", "Upgrade: websocket", false)]
    [InlineData("POST", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1", false)]
    public void Upgrade_IsPassedOn_WhereItIsAskedForProperly(string method, string fields, bool isUpgrade)
    {
        HttpRequest request = Parse($"{method} http://a/ HTTP/1.1\r\n{fields}\r\n\r\n");
        string sent = Encoding.ASCII.GetString(request.ToOrigin());
        Assert.Equal(isUpgrade, request.IsUpgrade);
        Assert.Equal(isUpgrade, sent.Contains("websocket", StringComparison.Ordinal));
        Assert.Equal(isUpgrade, sent.Contains("Connection: Upgrade\r\n", StringComparison.Ordinal));
        Assert.False(Parse($"{method} http://a/ HTTP/1.0\r\n{fields}\r\n\r\n").IsUpgrade);
    }

    [Theory]
    [InlineData("HTTP/1.1", "", true)]
    [InlineData("HTTP/1.1", "Connection: x, Close\r\n", false)]
    [InlineData("HTTP/1.1", "Proxy-Connection: close\r\n", false)]
    [InlineData("HTTP/1.0", "Connection: keep-alive\r\n", false)]
    public void Connection_GoesOn_WhereBothCan(string version, string fields, bool isPersistent)
    {
        HttpRequest request = Parse($"GET http://a/ {version}\r\n{fields}\r\n");
        Assert.Equal(isPersistent, request.IsPersistent);
        Assert.Equal(
            !isPersistent, Encoding.ASCII.GetString(request.ToOrigin()).Contains("Connection: close\r\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Basic bmFtZTpwYTpzcw==", true)]
    [InlineData("basic  bmFtZTpwYTpzcw==", true)]
    [InlineData("Basic bmFtZTp3cm9uZw==", false)]
    [InlineData("Basic !!!", false)]
    [InlineData("Basic bmFtZQ==", false)]
    [InlineData("Bearer bmFtZTpwYTpzcw==", false)]
    [InlineData("", false)]
    public async Task Password_IsChecked(string credentials, bool isRight)
    {
        var users = new Users();
        Assert.True(users.TryAdd("name:pa:ss"));
        byte[] head = Encoding.ASCII.GetBytes($"CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: {credentials}\r\n\r\n");
        var reader = new HandshakeReader(new ScriptedStream([head]));
        ValueTask<(HttpRequest Request, string? User)> reading = HttpHandshake.ReadRequestAsync(
            reader, users, TestContext.Current.CancellationToken);
        if (isRight)
        {
            Assert.Equal("name", (await reading).User);
        }
        else
        {
            Assert.Equal(407, (await Assert.ThrowsAsync<HttpStatusException>(async () => await reading)).Status);
        }
    }

    [Fact]
    public async Task Head_TooLarge_Is431()
    {
        byte[] head = [.. "GET http://a/ HTTP/1.1\r\nX: "u8, .. Enumerable.Repeat((byte)'x', 70_000)];
        var reader = new HandshakeReader(new ScriptedStream([head]));
        var exception = await Assert.ThrowsAsync<HttpStatusException>(
            async () => await HttpHandshake.ReadRequestAsync(reader, Users.None, TestContext.Current.CancellationToken));
        Assert.Equal(431, exception.Status);
    }

    [Theory]
    [InlineData(HttpHead.MaxFields, false)]
    [InlineData(HttpHead.MaxFields + 1, true)]
    public void Fields_TooMany_Is431(int count, bool isTooMany)
    {
        string head = $"GET http://a/ HTTP/1.1\r\n{string.Concat(Enumerable.Repeat("X: y\r\n", count))}\r\n";
        if (isTooMany)
        {
            Assert.Equal(431, Assert.Throws<HttpStatusException>(() => Parse(head)).Status);
        }
        else
        {
            Assert.Equal(count, Parse(head).Head.Fields.Count);
        }
    }

    [Theory]
    [InlineData(ErrorCode.RemoteDisconnect, 502)]
    [InlineData(ErrorCode.OperationTimeout, 504)]
    [InlineData(ErrorCode.ProtocolError, 502)]
    [InlineData(ErrorCode.ResourceExhaustion, 503)]
    [InlineData(ErrorCode.DestinationUnreachable, 502)]
    [InlineData(ErrorCode.ProxyRejected, 403)]
    [InlineData((ErrorCode)0x1234, 502)]
    public void Codes_AsTheTableSays(ErrorCode code, int status)
    {
        HttpStatusException answer = HttpErrors.Of(Destination.Tcp("a.example", 1), new SessionException(code, "no"));
        Assert.Equal(status, answer.Status);
        Assert.Contains("tcp:a.example:1", answer.Message, StringComparison.Ordinal);
        Assert.Contains($"{(ushort)code:x4}", answer.Message, StringComparison.Ordinal);
    }

    private static HttpRequest Parse(string text) => HttpRequest.Parse(Encoding.ASCII.GetBytes(text));
}
