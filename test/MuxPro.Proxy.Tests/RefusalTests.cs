using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests;

/// <summary>Who is not served, what is not reached, and what is said about it.</summary>
public sealed class RefusalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task UnreachableTarget_NoOpenResult_IsReset_AndLogged(ushort minor)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with
        {
            Versions = [minor switch { 0 => MuxVersion.V0_0, 1 => MuxVersion.V0_1, _ => MuxVersion.Private }],
        });
        (Socket application, NetworkStream stream) = await TransferTests.ConnectAsync(pair, ClosedPort());
        using (application)
        await using (stream)
        {
            await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Cancel));
        }

        string warning = await pair.ClientLog.WaitAsync(21);
        Assert.Contains("RemoteDisconnect (0001)", warning, StringComparison.Ordinal);
        Assert.Contains("refused or ended", warning, StringComparison.Ordinal);
        Assert.Contains("RemoteDisconnect (0001)", await pair.ClientLog.WaitAsync(70), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnreachableTarget_IsAnswered_AndLogged()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        (Socket application, NetworkStream stream, string answer) = await TransferTests.AskAsync(pair, ClosedPort());
        using (application)
        await using (stream)
        {
            Assert.Equal("050005050001000000000000", answer);
            Assert.Equal(0, await stream.ReadAsync(new byte[1], Cancel));
        }

        Assert.Contains("RemoteDisconnect (0001)", await pair.ClientLog.WaitAsync(70), StringComparison.Ordinal);
        Assert.Contains(
            "the target refused the connection, RemoteDisconnect (0001)", await pair.ClientLog.WaitAsync(21), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnreachableTarget_PlainHttp_Is502WithText()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using HttpClient http = pair.HttpClient("http");
        int port = ClosedPort();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"), Cancel);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(
            $"tcp:127.0.0.1:{port}: the target refused the connection, RemoteDisconnect (0001)\n",
            await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task PrivateTarget_IsForbidden_UnlessAllowed()
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { AllowPrivate = false });
        using HttpClient http = pair.HttpClient("http");
        foreach (string host in new[] { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]" })
        {
            using HttpResponseMessage response = await http.GetAsync(origin.Uri("/bytes/1", host), Cancel);
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
            Assert.Contains("ProxyRejected (0006)", await response.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OriginThatSaysNoHttp_Is502()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using HttpClient http = pair.HttpClient("http");
        Task<HttpResponseMessage> asking = http.GetAsync(new Uri($"http://{target.LocalEndpoint}/"), Cancel);
        using Socket accepted = await target.AcceptSocketAsync(Cancel);
        await accepted.SendAsync("SSH-2.0-nothing\r\n\r\n"u8.ToArray(), SocketFlags.None, Cancel);
        using HttpResponseMessage response = await asking;
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task NoServer_SaysSo_AndReconnectsLater()
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using HttpClient http = pair.HttpClient("http");
        Assert.Equal(10, (await http.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel)).Length);
        Assert.Equal(1, pair.DialedConnections);

        await pair.RestartServerAsync();

        // The client learns of the end by itself; whatever it tries meanwhile is answered, and then it dials again.
        while (pair.DialedConnections == 1)
        {
            using HttpResponseMessage response = await http.GetAsync(origin.Uri("/bytes/10"), Cancel);
        }

        Assert.Equal(10, (await http.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel)).Length);

        await pair.Server.DisposeAsync();
        HttpStatusCode status;
        do
        {
            using HttpResponseMessage response = await http.GetAsync(origin.Uri("/bytes/10"), Cancel);
            status = response.StatusCode;
        }
        while (status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("No main connection", await pair.ClientLog.WaitAsync(51), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Revoked_MainConnectionIsClosed()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("muxpro-test-").FullName, "authorized");
        var time = new FakeTimeProvider();
        using var key = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(path, $"{key.Pin} anna\n", Cancel);
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(
            server: options => options with { Authorized = path, TimeProvider = time },
            client: options => options with { Key = key });
        using HttpClient http = pair.HttpClient("http");
        Assert.Equal(10, (await http.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel)).Length);

        await File.WriteAllTextAsync(path, "# nobody\n", Cancel);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Contains("anna", await pair.ServerLog.WaitAsync(44), StringComparison.Ordinal);
        await pair.ServerLog.WaitAsync(41);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("SSH-2.0-probe\r\n")]
    public async Task PlaintextAtTheTlsPort_IsClosed(string probe)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var prober = new TcpClient();
        await prober.ConnectAsync(pair.ServerEndPoint, Cancel);
        await prober.GetStream().WriteAsync(Encoding.ASCII.GetBytes(probe), Cancel);
        await pair.ServerLog.WaitAsync(42);
        await ReadToEndAsync(prober.GetStream());
    }

    [Theory]
    [InlineData("server", "")]
    [InlineData("client", "")]
    [InlineData("client", "\u0005\u0001\u0000\u0005")]
    [InlineData("client", "GET http://a/ HTTP/1.1\r\n")]
    public async Task Silent_IsClosedAfterTenSeconds(string port, string begun)
    {
        var time = new FakeTimeProvider();
        await using ProxyPair pair = await ProxyPair.StartAsync(
            options => port == "server" ? options with { TimeProvider = time } : options,
            options => port == "client" ? options with { TimeProvider = time } : options);
        using var silent = new TcpClient();
        await silent.ConnectAsync(port == "server" ? pair.ServerEndPoint : pair.EndPoint, Cancel);
        await silent.GetStream().WriteAsync(Encoding.ASCII.GetBytes(begun), Cancel);

        // The clock is moved until the connection that was accepted in the meantime has seen its ten seconds.
        Task<string> logged = (port == "server" ? pair.ServerLog : pair.ClientLog).WaitAsync(23);
        while (!logged.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await ReadToEndAsync(silent.GetStream());
    }

    [Theory]
    [InlineData("\u0004\u0001\u0000\u0050\u0001\u0002\u0003\u0004\u0000", "SOCKS4")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000", "TLS")]
    [InlineData("\u0000\u0000\u0000", "neither")]
    [InlineData("\u0005\u0001\u0009", "SOCKS5")]
    public async Task Garbage_IsClosed_AndLogged(string garbage, string said)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(pair.EndPoint, Cancel);
        NetworkStream stream = stranger.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(garbage), Cancel);
        stranger.Client.Shutdown(SocketShutdown.Send);
        Assert.Contains(said, await pair.ClientLog.WaitAsync(22), StringComparison.Ordinal);
        await ReadToEndAsync(stream);
    }

    [Fact]
    public async Task Socks4_IsRejectedInItsOwnWords_AndAWarning()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var old = new TcpClient();
        await old.ConnectAsync(pair.EndPoint, Cancel);
        await old.GetStream().WriteAsync((byte[])[4, 1, 0, 80, 192, 0, 2, 1, 0], Cancel);
        byte[] answer = new byte[8];
        await old.GetStream().ReadExactlyAsync(answer, Cancel);
        Assert.Equal("005B000000000000", Convert.ToHexString(answer));
        Assert.Contains("SOCKS4", await pair.ClientLog.WaitAsync(22), StringComparison.Ordinal);
    }

    /// <summary>RFC 9112 2.2.</summary>
    [Theory]
    [InlineData("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\nHost: x\n\n")]
    [InlineData("GET / HTTP/1.0\r\nHost: x\n\r\n")]
    public async Task OddLineBreaks_AreTaken(string request)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancel);
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NotAProxyRequest_Is400()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{pair.EndPoint}/"), Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task TooManyConnections_TheNextIsClosed()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync(client: options => options with { MaxConnections = 1 });
        using var first = new TcpClient();
        using var second = new TcpClient();
        await first.ConnectAsync(pair.EndPoint, Cancel);
        await second.ConnectAsync(pair.EndPoint, Cancel);
        Assert.Contains("--max-clients", await pair.ClientLog.WaitAsync(3), StringComparison.Ordinal);
        await ReadToEndAsync(second.GetStream());
    }

    [Fact]
    public async Task Up_RunsUntilItIsStopped()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<int> running = CommandLine.RunAsync(["up", "--listen", "127.0.0.1:0"], output, error, stop.Token);
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Success, await running);
        Assert.Contains("curl --proxy socks5h://127.0.0.1:", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("private and loopback targets are allowed", output.ToString(), StringComparison.Ordinal);
        Assert.Empty(error.ToString());
    }

    [Fact]
    public async Task PortInUse_OneLine_Exit1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(["up", "--listen", taken.LocalEndpoint.ToString()!], output, error, Cancel);
        Assert.Equal(ExitCode.Failure, exitCode);
        Assert.Single(error.ToString().Trim().Split('\n'));
        Assert.Contains(taken.LocalEndpoint.ToString()!, error.ToString(), StringComparison.Ordinal);
    }

    internal static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits until the other end has closed, in whatever way.</summary>
    private static async Task ReadToEndAsync(NetworkStream stream)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null, Cancel);
        }
        catch (IOException)
        {
            // Reset: closed too.
        }
    }
}
