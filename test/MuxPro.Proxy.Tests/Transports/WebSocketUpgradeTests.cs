using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Transports;

public sealed class WebSocketUpgradeTests
{
    private const string Rest =
        "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

    private static readonly StreamConfiguration Server = new()
    {
        Network = TransportNetwork.Ws,
        WsSettings = new WebSocketConfiguration { Path = "/mux", Host = "front.example" },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\n" + Rest, 101)]
    [InlineData("GET /mux?ed=2048 HTTP/1.1\nHost: FRONT.example:443\n" + Rest, 101)]
    [InlineData("GET /other HTTP/1.1\nHost: front.example\n" + Rest, 404)]
    [InlineData("GET /mux/ HTTP/1.1\nHost: front.example\n" + Rest, 404)]
    [InlineData("GET /mux HTTP/1.1\nHost: other.example\n" + Rest, 404)]
    [InlineData("GET /mux HTTP/1.1\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\nHost: front.example\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.0\nHost: front.example\n" + Rest, 400)]
    [InlineData("POST /mux HTTP/1.1\nHost: front.example\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\nContent-Length: 5\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\nTransfer-Encoding: chunked\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\nno field\n" + Rest, 400)]
    [InlineData("GET /mux HTTP/1.1\nHost: front.example\n", 426)]
    [InlineData(
        "GET /mux HTTP/1.1\nHost: front.example\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 8\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n", 426)]
    [InlineData("nonsense\n", 400)]
    public async Task Request_IsAnswered(string request, int status)
    {
        await using var pair = new TransportPair(Server);
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request.ReplaceLineEndings("\r\n") + "\r\n"), Cancel);
        string answer = await ReadHeadAsync(client.GetStream());
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        if (status == 101)
        {
            // The example of RFC 6455 1.3.
            Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer, StringComparison.Ordinal);
            await pair.AcceptedAsync();
        }
        else
        {
            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], Cancel));
            await pair.Log.WaitAsync(22);
        }
    }

    [Fact]
    public async Task Head_WithoutEnd_IsAnsweredAndClosed()
    {
        await using var pair = new TransportPair(Server);
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);

        // More than is read: the answer must not be lost to what is still on its way.
        byte[] endless = Encoding.ASCII.GetBytes($"GET /mux HTTP/1.1\r\nX: {new string('x', 60_000)}");
        await client.GetStream().WriteAsync(endless, Cancel);
        Assert.StartsWith("HTTP/1.1 431 ", await ReadHeadAsync(client.GetStream()), StringComparison.Ordinal);
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], Cancel));
    }

    [Fact]
    public async Task Bytes_RightBehindTheHead_AreNotLost()
    {
        await using var pair = new TransportPair(Server);
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);

        // RFC 6455 5.2: a binary message of five bytes, masked with zeros, in the same segment as the head.
        byte[] head = Encoding.ASCII.GetBytes($"GET /mux HTTP/1.1\nHost: front.example\n{Rest}\n".ReplaceLineEndings("\r\n"));
        await client.GetStream().WriteAsync((byte[])[.. head, 0x82, 0x85, 0, 0, 0, 0, .. "early"u8], Cancel);
        InboundTransportConnection here = await pair.AcceptedAsync();
        byte[] bytes = new byte[5];
        await here.Link.AsStream().ReadExactlyAsync(bytes, Cancel);
        Assert.Equal("early"u8, bytes);
    }

    [Fact]
    public async Task PlatformsClient_ComesIn()
    {
        await using var pair = new TransportPair(Server);
        using var client = new ClientWebSocket();
        client.Options.SetRequestHeader("Host", "front.example");
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{pair.EndPoint.Port}/mux"), Cancel);
        InboundTransportConnection here = await pair.AcceptedAsync();
        await client.SendAsync("message"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, Cancel);
        byte[] bytes = new byte[7];
        await here.Link.AsStream().ReadExactlyAsync(bytes, Cancel);
        Assert.Equal("message"u8, bytes);
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\nContent-Length: 0\n")]
    [InlineData(
        "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")]
    [InlineData("SSH-2.0-other\n")]
    public async Task Client_ServerThatIsNone_IsNamed(string answer)
    {
        await using var pair = new TransportPair(new StreamConfiguration());
        OutboundTransport client = pair.Client(Server);
        Task<IOException> dialling = Assert.ThrowsAsync<IOException>(async () => await client.DialAsync(Session.DefaultPriority, Cancel));
        InboundTransportConnection here = await pair.AcceptedAsync();
        await ReadHeadAsync(here.Link.AsStream());
        await here.Link.AsStream().WriteAsync(Encoding.ASCII.GetBytes(answer.ReplaceLineEndings("\r\n") + "\r\n"), Cancel);
        await here.Link.Output.CompleteAsync();
        Assert.Contains(client.Name, (await dialling).Message, StringComparison.Ordinal);
    }

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Cancel);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
