using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>A server that stops lets what is open finish; one that is killed does not.</summary>
public sealed class DrainTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FiftyDownloads_AllFinish_NewOnesGoElsewhere()
    {
        const int Downloads = 50;
        const int Size = 2_000_000;
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair far = await ProxyPair.StartAsync();
        Daemon other = far.Server;
        await using ProxyPair pair = await ProxyPair.StartAsync(
            client: options => options with { Servers = [options.Servers[0], ProxyPair.AddressOf(other)] });
        using HttpClient http = pair.HttpClient("socks5");
        string expected = Origin.HashOf(Origin.Bytes(Size));

        // Each has begun and is not read further until the server is told.
        HttpResponseMessage[] begun = await Task.WhenAll(Enumerable.Range(0, Downloads).Select(
            async _ => await http.SendAsync(Request($"/bytes/{Size}"), HttpCompletionOption.ResponseHeadersRead, Cancel)));
        Assert.Equal(0, other.MainConnections);
        Task<int> draining = pair.Server.DrainAsync(Cancel);

        // What crosses the word of the server on its way still goes through it; none fails.
        int opened = 0;
        while (other.MainConnections == 0 || opened < 10)
        {
            using HttpResponseMessage response = await http.SendAsync(Request("/bytes/10"), Cancel);
            Assert.Equal(10, (await response.Content.ReadAsByteArrayAsync(Cancel)).Length);
            opened++;
        }

        foreach (HttpResponseMessage response in begun)
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(Cancel);
            Assert.Equal(expected, Convert.ToHexStringLower(await SHA256.HashDataAsync(body, Cancel)));
            response.Dispose();
        }

        Assert.Equal(0, await draining);

        // A connection each: what is kept for a next request is open too, and would be waited for.
        HttpRequestMessage Request(string path)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, origin.Uri(path));
            request.Headers.ConnectionClose = true;
            return request;
        }
    }

    [Fact]
    public async Task Deadline_CutsWhatNeverEnds()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        (Socket application, NetworkStream stream) = await TransferTests.ConnectAsync(pair, ((IPEndPoint)target.LocalEndpoint).Port);
        using (application)
        await using (stream)
        {
            using Socket accepted = await target.AcceptSocketAsync(Cancel);
            using var deadline = new CancellationTokenSource();
            Task<int> draining = pair.Server.DrainAsync(deadline.Token);
            Assert.False(draining.IsCompleted);
            await deadline.CancelAsync();
            Assert.Equal(1, await draining);
            await Assert.ThrowsAnyAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1], Cancel));
        }
    }

    [Fact]
    public async Task CurlKilled_TheTargetIsReset()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using Process curl = Tool.Start(
            "curl", "--silent", "--noproxy", "", "--proxy", $"socks5h://127.0.0.1:{pair.EndPoint.Port}", $"http://{target.LocalEndpoint}/");
        using Socket accepted = await target.AcceptSocketAsync(Cancel);
        await using var atTarget = new NetworkStream(accepted);
        await atTarget.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"u8.ToArray(), Cancel);
        Task sending = Task.Run(async () =>
        {
            byte[] bytes = new byte[64 * 1024];
            while (true)
            {
                await atTarget.WriteAsync(bytes, Cancel);
            }
        }, Cancel);
        await curl.StandardOutput.BaseStream.ReadExactlyAsync(new byte[1_000_000], Cancel);
        curl.Kill();
        await curl.WaitForExitAsync(Cancel);
        await Assert.ThrowsAsync<IOException>(() => sending);
    }
}
