using System.Net;
using System.Net.Sockets;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Socks;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Outbounds;

/// <summary>The clients of SOCKS5 and HTTP proxies, against this program's own and against what others may answer.</summary>
public sealed class ProxyClientTests
{
    private static readonly AccountConfiguration Account = new() { User = "name", Pass = "pass:word" };
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("socks", false)]
    [InlineData("socks", true)]
    [InlineData("http", false)]
    [InlineData("http", true)]
    public async Task Connect_CarriesBothWays_AndHalfCloses(string kind, bool logsIn)
    {
        await using var proxy = new LocalProxy(logsIn ? Accounts() : null);
        using var origin = new TcpListener(IPAddress.Loopback, 0);
        origin.Start();
        int port = ((IPEndPoint)origin.LocalEndpoint).Port;
        Task<string> asked = AnswerAsync();
        await using Link link = await ConnectAsync(
            kind, await proxy.ConnectAsync(), proxy.Name, Destination.Tcp("localhost", port), logsIn ? Account : null);
        await link.AsStream().WriteAsync("question"u8.ToArray(), Cancel);
        await link.Output.CompleteAsync();
        using var answer = new MemoryStream();
        await link.AsStream().CopyToAsync(answer, Cancel);
        Assert.Equal("question", await asked);
        Assert.Equal(Origin.HashOf(Origin.Bytes(100_000)), Origin.HashOf(answer.ToArray()));

        // The name went as it is: the proxy looks it up.
        Assert.Equal("localhost", proxy.Asked!.Domain);

        async Task<string> AnswerAsync()
        {
            using Socket socket = await origin.AcceptSocketAsync(Cancel);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, leaveOpen: true);
            string question = await reader.ReadToEndAsync(Cancel);
            await stream.WriteAsync(Origin.Bytes(100_000), Cancel);
            return question;
        }
    }

    [Theory]
    [InlineData("socks", false)]
    [InlineData("socks", true)]
    [InlineData("http", false)]
    [InlineData("http", true)]
    public async Task Login_Refused_NamesTheProxy(string kind, bool logsIn)
    {
        await using var proxy = new LocalProxy(Accounts());
        IOException exception = await Assert.ThrowsAsync<IOException>(
            async () => await ConnectAsync(
                kind, await proxy.ConnectAsync(), proxy.Name, Target, logsIn ? Account with { Pass = "wrong" } : null));
        Assert.Contains(proxy.Name, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("socks", ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused)]
    [InlineData("socks", ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable)]
    [InlineData("socks", ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable)]
    [InlineData("socks", ErrorCode.ProxyRejected, FailureDetail.None)]
    [InlineData("socks", ErrorCode.OperationTimeout, FailureDetail.None)]
    [InlineData("http", ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused)]
    [InlineData("http", ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound)]
    [InlineData("http", ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable)]
    [InlineData("http", ErrorCode.ProxyRejected, FailureDetail.None)]
    [InlineData("http", ErrorCode.OperationTimeout, FailureDetail.None)]
    [InlineData("http", ErrorCode.ResourceExhaustion, FailureDetail.None)]
    public async Task Failure_OfTheTarget_IsToldOn(string kind, ErrorCode code, FailureDetail detail)
    {
        await using var proxy = new LocalProxy { Failure = new SessionException(code, "no") { Detail = detail } };
        SessionException exception = await Assert.ThrowsAsync<SessionException>(
            async () => await ConnectAsync(kind, await proxy.ConnectAsync(), proxy.Name, Target, null));
        Assert.Equal((code, detail), (exception.ErrorCode, exception.Detail));
    }

    [Theory]
    [InlineData("HTTP/1.1 403 Forbidden", ErrorCode.ProxyRejected)]
    [InlineData("HTTP/1.0 405 No", ErrorCode.ProxyRejected)]
    [InlineData("HTTP/1.1 502 Bad Gateway", ErrorCode.DestinationUnreachable)]
    [InlineData("HTTP/1.1 503", ErrorCode.ResourceExhaustion)]
    [InlineData("HTTP/1.1 504 Timeout", ErrorCode.OperationTimeout)]
    [InlineData("HTTP/1.1 101 Switching", ErrorCode.DestinationUnreachable)]
    [InlineData(
        "HTTP/1.1 502 No\r\nProxy-Status: first; error=connection_refused, x.example; error=dns_error; details=\"a\"",
        ErrorCode.RemoteDisconnect)]
    public async Task HttpStatus_BecomesACode(string head, ErrorCode code)
        => Assert.Equal(code, (await Assert.ThrowsAsync<SessionException>(
            () => AnsweredAsync("http", Encoding.ASCII.GetBytes(head + "\r\n\r\n")))).ErrorCode);

    [Theory]
    [InlineData("http", "HTTP/1.1 200 OK")] // ends in the middle
    [InlineData("http", "HTTP/1.1 abc OK\r\n\r\n")]
    [InlineData("http", "HTTP/2 200 OK\r\n\r\n")]
    [InlineData("http", "\u0005\u0000")]
    [InlineData("http", "")]
    [InlineData("socks", "")]
    [InlineData("socks", "\u0005")]
    [InlineData("socks", "HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("socks", "\u0005\u00ff")]
    [InlineData("socks", "\u0005\u0002\u0001\u0000")] // a login that nobody offered
    [InlineData("socks", "\u0005\u0000\u0005\u0000\u0000\u0009\u0000\u0000\u0000\u0000\u0000\u0000")] // no such address type
    [InlineData("socks", "\u0005\u0000\u0005\u0000\u0000\u0001\u0000")] // ends in the middle
    public async Task Nonsense_NamesTheProxy(string kind, string answer)
    {
        IOException exception = await Assert.ThrowsAsync<IOException>(() => AnsweredAsync(kind, Encoding.Latin1.GetBytes(answer)));
        Assert.Contains("proxy.example", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HttpHead_WithoutEnd_IsGivenUp()
        => Assert.Contains(
            "proxy.example",
            (await Assert.ThrowsAsync<IOException>(
                () => AnsweredAsync("http", Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nX: {new string('x', 60_000)}")))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("socks", "\u0005\u0000\u0005\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000")]
    [InlineData("socks", "\u0005\u0000\u0005\u0000\u0000\u0003\u0004name\u0000\u0050")]
    [InlineData("http", "HTTP/1.1 200 Connection established\r\n\r\n")]
    [InlineData("http", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n")]
    public async Task Bytes_RightBehindTheAnswer_AreNotLost_AndHalfCloseGoesOn(string kind, string answer)
    {
        (Link client, Link server) = await OneConnection.MakeAsync();
        await using (server)
        {
            await server.AsStream().WriteAsync(Encoding.Latin1.GetBytes(answer + "banner"), Cancel);
            await using Link link = await ConnectAsync(kind, client, "proxy.example", Target, null);
            Assert.Equal("banner", await ReadAsync(link.AsStream(), 6));
            await link.AsStream().WriteAsync("question"u8.ToArray(), Cancel);
            await link.Output.CompleteAsync();
            using var reader = new StreamReader(server.AsStream(), Encoding.Latin1, leaveOpen: true);
            Assert.EndsWith("question", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
            await server.AsStream().WriteAsync("answer"u8.ToArray(), Cancel);
            Assert.Equal("answer", await ReadAsync(link.AsStream(), 6));
        }
    }

    [Fact]
    public async Task Requests_AreWhatOtherProxiesExpect()
    {
        Assert.Equal(
            "050100" + "0501000" + "30e7461726765742e6578616d706c650050",
            Convert.ToHexStringLower(
                await AskedAsync("socks", Target, null, "\u0005\u0000\u0005\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000")));
        Assert.Equal(
            "05020002" + "01046e616d6509706173733a776f7264" + "0501000400000000000000000000000000000001" + "01bb",
            Convert.ToHexStringLower(await AskedAsync(
                "socks", Destination.Tcp("::1", 443), Account,
                "\u0005\u0002\u0001\u0000\u0005\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000")));
        Assert.Equal(
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic bmFtZTpwYXNzOndvcmQ=\r\n\r\n",
            Encoding.ASCII.GetString(await AskedAsync("http", Destination.Tcp("::1", 443), Account, "HTTP/1.1 200 OK\r\n\r\n")));
    }

    [Fact]
    public async Task Silence_IsEndedByWhoAsked()
    {
        (Link client, Link server) = await OneConnection.MakeAsync();
        await using (server)
        {
            using var impatient = new CancellationTokenSource();
            Task<OperationCanceledException> asking = Assert.ThrowsAnyAsync<OperationCanceledException>(
                async () => await SocksClient.ConnectAsync(client, "proxy.example", Target, null, impatient.Token));
            await ReadAsync(server.AsStream(), 3);
            await impatient.CancelAsync();
            await asking;
        }
    }

    private static async Task<byte[]> AskedAsync(string kind, Destination target, AccountConfiguration? account, string answer)
    {
        (Link client, Link server) = await OneConnection.MakeAsync();
        await using (server)
        {
            await server.AsStream().WriteAsync(Encoding.Latin1.GetBytes(answer), Cancel);
            Link link = await ConnectAsync(kind, client, "proxy.example", target, account);
            await link.Output.CompleteAsync();
            using var asked = new MemoryStream();
            await server.AsStream().CopyToAsync(asked, Cancel);
            await link.DisposeAsync();
            return asked.ToArray();
        }
    }

    private static async Task AnsweredAsync(string kind, byte[] answer)
    {
        (Link client, Link server) = await OneConnection.MakeAsync();
        await using (server)
        {
            await server.AsStream().WriteAsync(answer, Cancel);
            await server.Output.CompleteAsync();
            await ConnectAsync(kind, client, "proxy.example", Target, null);
        }
    }

    private static async Task<Link> ConnectAsync(string kind, Link link, string name, Destination target, AccountConfiguration? account)
        => kind == "http"
        ? await HttpConnectClient.ConnectAsync(link, name, target, account, Cancel)
        : await SocksClient.ConnectAsync(link, name, target, account, Cancel);

    private static async Task<string> ReadAsync(Stream stream, int count)
    {
        byte[] bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, Cancel);
        return Encoding.Latin1.GetString(bytes);
    }

    private static Users Accounts()
    {
        var users = new Users();
        Assert.True(users.TryAdd($"{Account.User}:{Account.Pass}"));
        return users;
    }
}
