using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests;

/// <summary>Whole programs over real sockets and TLS: what goes in comes out.</summary>
public sealed class TransferTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Sizes()
    {
        var data = new TheoryData<string, int>();
        foreach (string scheme in new[] { "socks5", "http" })
        {
            foreach (int size in new[] { 0, 1, 65_535, 65_536, 65_537, 10_000_000 })
            {
                data.Add(scheme, size);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task DownAndUp_SameBytes(string scheme, int size)
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using HttpClient http = pair.HttpClient(scheme);
        byte[] expected = Origin.Bytes(size);

        // A name, so that the server is the one who resolves it.
        byte[] plain = await http.GetByteArrayAsync(origin.Uri($"/bytes/{size}", "localhost"), Cancel);
        byte[] chunked = await http.GetByteArrayAsync(origin.Uri($"/chunked/{size}"), Cancel);
        Assert.Equal(Origin.HashOf(expected), Origin.HashOf(plain));
        Assert.Equal(Origin.HashOf(expected), Origin.HashOf(chunked));

        foreach (bool isChunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, origin.Uri("/hash")) { Content = new ByteArrayContent(expected) };
            request.Headers.TransferEncodingChunked = isChunked;
            request.Headers.ExpectContinue = isChunked;
            using HttpResponseMessage response = await http.SendAsync(request, Cancel);
            Assert.Equal(Origin.HashOf(expected), await response.Content.ReadAsStringAsync(Cancel));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_537)]
    [InlineData(10_000_000)]
    public async Task Connect_SameBytes_HalfCloseTravels(int size)
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        (Socket application, NetworkStream stream) = await ConnectAsync(pair, ((IPEndPoint)target.LocalEndpoint).Port);
        using (application)
        await using (stream)
        {
            using Socket accepted = await target.AcceptSocketAsync(Cancel);
            await using var atTarget = new NetworkStream(accepted);
            byte[] bytes = Origin.Bytes(size);
            Task sending = SendAsync();
            string got = Convert.ToHexStringLower(await SHA256.HashDataAsync(atTarget, Cancel));
            await sending;
            Assert.Equal(Origin.HashOf(bytes), got);

            // The application has ended its direction; the answer still arrives.
            Task<byte[]> answer = SHA256.HashDataAsync(stream, Cancel).AsTask();
            await atTarget.WriteAsync(bytes, Cancel);
            accepted.Shutdown(SocketShutdown.Send);
            Assert.Equal(Origin.HashOf(bytes), Convert.ToHexStringLower(await answer));

            async Task SendAsync()
            {
                await stream.WriteAsync(bytes, Cancel);
                application.Shutdown(SocketShutdown.Send);
            }
        }
    }

    [Fact]
    public async Task Connect_TargetResets_ApplicationIsReset()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        (Socket application, NetworkStream stream) = await ConnectAsync(pair, ((IPEndPoint)target.LocalEndpoint).Port);
        using (application)
        await using (stream)
        {
            using (Socket accepted = await target.AcceptSocketAsync(Cancel))
            {
                accepted.LingerState = new LingerOption(true, 0);
            }

            var failure = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Cancel));
            Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        }
    }

    [Fact]
    public async Task Connect_ApplicationResets_TargetIsReset()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        (Socket application, NetworkStream stream) = await ConnectAsync(pair, ((IPEndPoint)target.LocalEndpoint).Port);
        using Socket accepted = await target.AcceptSocketAsync(Cancel);
        application.LingerState = new LingerOption(true, 0);
        application.Dispose();
        await stream.DisposeAsync();
        await using var atTarget = new NetworkStream(accepted);
        await Assert.ThrowsAsync<IOException>(async () => await atTarget.ReadExactlyAsync(new byte[1], Cancel));
    }

    [Theory]
    [InlineData("socks5h://", false)]
    [InlineData("http://", false)]
    [InlineData("http://", true)]
    public async Task Curl_Downloads(string scheme, bool isTunnel)
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using Process process = Tool.Start(
            "curl",
            [
                "--silent", "--show-error", "--fail", "--max-time", "30", "--noproxy", "", "--proxy",
                $"{scheme}127.0.0.1:{pair.EndPoint.Port}",
                .. isTunnel ? ["--proxytunnel"] : Array.Empty<string>(), origin.Uri("/bytes/1000000", "localhost").ToString(),
            ]);
        byte[] hash = await SHA256.HashDataAsync(process.StandardOutput.BaseStream, Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Origin.HashOf(Origin.Bytes(1_000_000)), Convert.ToHexStringLower(hash));
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task Users_NeedTheirPassword(string scheme)
    {
        AccountConfiguration[] accounts = [new() { User = "anna", Pass = "secret" }];
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(client: options => options with { Accounts = accounts });
        using HttpClient right = pair.HttpClient(scheme, "anna:secret");
        Assert.Equal(10, (await right.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel)).Length);
        using HttpClient wrong = pair.HttpClient(scheme, "anna:guess");
        await Assert.ThrowsAsync<HttpRequestException>(() => wrong.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel));
    }

    [Fact]
    public async Task PlainHttp_ProxyFieldsStayHere_EachRequestGoesToItsOwnOrigin()
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var application = new TcpClient();
        await application.ConnectAsync(pair.EndPoint, Cancel);
        NetworkStream stream = application.GetStream();
        string request = string.Create(
            CultureInfo.InvariantCulture, $"GET {origin.Uri("/headers")} HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n");

        // The second one is not for this origin: it must not arrive there.
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(request + "GET http://other.invalid/secret HTTP/1.1\r\nHost: other.invalid\r\n\r\n"), Cancel);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        string response = await reader.ReadToEndAsync(Cancel);
        Assert.StartsWith("HTTP/1.1 200", response, StringComparison.Ordinal);
        Assert.Contains("Via: 1.1 muxpro\r\n", response, StringComparison.Ordinal);
        Assert.Contains($"Host: 127.0.0.1:{origin.Port}", response, StringComparison.Ordinal);
        Assert.DoesNotContain("Proxy-Connection", response, StringComparison.Ordinal);
        string[] responses = response.Split("HTTP/1.1 ")[1..];
        Assert.Equal(2, responses.Length);
        Assert.DoesNotContain("secret", responses[0], StringComparison.Ordinal);
        Assert.StartsWith("502 ", responses[1], StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", responses[1], StringComparison.Ordinal);
    }

    /// <summary>A SOCKS5 connection through the pair.</summary>
    internal static async Task<(Socket Socket, NetworkStream Stream)> ConnectAsync(ProxyPair pair, int port)
    {
        (Socket socket, NetworkStream stream, string answer) = await AskAsync(pair, port);
        Assert.Equal("050005000001000000000000", answer);
        return (socket, stream);
    }

    /// <summary>A SOCKS5 connection through the pair, and what it was answered.</summary>
    internal static async Task<(Socket Socket, NetworkStream Stream, string Answer)> AskAsync(ProxyPair pair, int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(pair.EndPoint, Cancel);
        var stream = new NetworkStream(socket);
        await stream.WriteAsync(new byte[] { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (byte)(port >> 8), (byte)port }, Cancel);
        byte[] answer = new byte[12];
        await stream.ReadExactlyAsync(answer, Cancel);
        return (socket, stream, Convert.ToHexString(answer));
    }
}
