using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests;

/// <summary>What a user has to know when something does not work is in the log, at both ends.</summary>
public sealed class DiagnosisTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("another key")]
    [InlineData("no key")]
    [InlineData("another pin")]
    public async Task Strangers_GetNothing(string who)
    {
        using var other = KeyFile.Create("other", TimeProvider.System);
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(client: options => options with
        {
            Key = who switch
            {
                "another key" => other,
                "no key" => null,
                _ => options.Key,
            },
            Servers = who == "another pin" ? [options.Servers[0] with { Pins = [other.Pin] }] : options.Servers,
        });
        using HttpClient http = pair.HttpClient("http");
        using HttpResponseMessage response = await http.GetAsync(origin.Uri("/bytes/10"), Cancel);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(
            who switch
            {
                "another key" => $"is this client's key authorized there? It is {other.Pin}.",
                "no key" => "This client has no --key.",
                _ => "--pin",
            },
            await pair.ClientLog.WaitAsync(51), StringComparison.Ordinal);
        if (who == "another key")
        {
            Assert.Contains($"{other.Pin} NAME", await pair.ServerLog.WaitAsync(43), StringComparison.Ordinal);
            Assert.Single(pair.ServerLog.Entries, entry => entry is { Id: 43, Level: LogLevel.Warning });
        }
        else if (who == "no key")
        {
            Assert.Contains("shows no key", await pair.ServerLog.WaitAsync(47), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true, "does the other end speak TLS?")]
    [InlineData(false, "it does not answer in TLS")]
    public async Task TlsAtOneEndOnly_TheClientSaysSo(bool isClientPlaintext, string said)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync(
            options => isClientPlaintext ? options : options with { Key = null, Authorized = null },
            options => isClientPlaintext
                ? options with { IsPlaintext = true, Key = null, Servers = [options.Servers[0] with { Pins = [] }] } : options);
        using HttpClient http = pair.HttpClient("http");
        using HttpResponseMessage response = await http.GetAsync(new Uri("http://example.com/"), Cancel);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(said, await pair.ClientLog.WaitAsync(51), StringComparison.Ordinal);
        if (isClientPlaintext)
        {
            Assert.Contains("does not speak TLS", await pair.ServerLog.WaitAsync(42), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("other")]
    [InlineData(null)]
    public async Task OtherProtocolInTls_IsSaidSo(string? protocol)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(pair.ServerEndPoint, Cancel);
        await using var tls = new SslStream(stranger.GetStream());
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
#pragma warning disable CA5359 // Whose certificate it is does not matter here.
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
        };
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(options, Cancel);
            await tls.ReadExactlyAsync(new byte[1], Cancel);
        });
        Assert.Contains("not Mux.Pro (ALPN 'muxpro')", await pair.ServerLog.WaitAsync(42), StringComparison.Ordinal);
    }

    [Fact]
    public void WarningLimit_OneWarningPerInterval()
    {
        var time = new FakeTimeProvider();
        var limit = new WarningLimit(time, TimeSpan.FromSeconds(5));
        Assert.Equal([LogLevel.Warning, LogLevel.Information], [limit.Next(), limit.Next()]);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([LogLevel.Warning, LogLevel.Information], [limit.Next(), limit.Next()]);
    }

    [Fact]
    public async Task TargetNotReached_TheServerSaysWhy()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using HttpClient http = pair.HttpClient("http");
        int port = RefusalTests.ClosedPort();
        using HttpResponseMessage response = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"), Cancel);
        Assert.EndsWith("RemoteDisconnect (0001)", await pair.ServerLog.WaitAsync(70), StringComparison.Ordinal);
        Assert.Equal(
            $"user=tester tcp:127.0.0.1:{port} was not reached: the target refused the connection", await pair.ServerLog.WaitAsync(45));
    }

    [Fact]
    public async Task OneProcess_TheClientSaysWhatTheServerKnows()
    {
        await using ProxyPair pair = await ProxyPair.StartAsync(
            options => options with { AllowPrivate = false });
        (Socket application, NetworkStream stream, string answer) = await TransferTests.AskAsync(pair, RefusalTests.ClosedPort());
        using (application)
        await using (stream)
        {
            Assert.Equal("050005020001000000000000", answer);
            Assert.Contains("--allow-private", await pair.ClientLog.WaitAsync(21), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[::ffff:192.0.2.1]:80", "192.0.2.1:80")]
    [InlineData("[2001:db8::1]:80", "[2001:db8::1]:80")]
    public void MappedAddress_IsShownAsIPv4(string address, string shown)
        => Assert.Equal(shown, Addresses.Plain(IPEndPoint.Parse(address))!.ToString());

    [Fact]
    public async Task Served_TheServerHasALineToo()
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        using (HttpClient http = pair.HttpClient("http"))
        {
            Assert.Equal(100_000, (await http.GetByteArrayAsync(origin.Uri("/bytes/100000"), Cancel)).Length);
        }

        string line = await pair.ServerLog.WaitAsync(70);
        Assert.StartsWith("server 127.0.0.1:", line, StringComparison.Ordinal);
        Assert.Contains($" user=tester tcp:127.0.0.1:{origin.Port} -> direct up ", line, StringComparison.Ordinal);
        Assert.EndsWith("GracefulShutdown (0000)", line, StringComparison.Ordinal);
        long down = long.Parse(line.Split(" down ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(down, 100_000, 101_000);
    }

    [Fact]
    public async Task MainConnectionInsideOne_IsServed()
    {
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        await using ClientManager nested = MuxClient.Connect(async ct =>
        {
            // Through the pair to the server itself: SOCKS5 has no more to say than the name.
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(pair.EndPoint, ct);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync((byte[])[5, 1, 0, 5, 1, 0, 3, 7, .. "mux.pro"u8, 9527 >> 8, 9527 & 255], ct);
            await stream.ReadExactlyAsync(new byte[12], ct);
            return Link.FromStream(stream, socket);
        });
        await using Session session = await nested.OpenAsync(Destination.Tcp("127.0.0.1", origin.Port), Cancel);
        await session.AsStream().WriteAsync("GET /bytes/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancel);
        using var reader = new StreamReader(session.AsStream());
        Assert.StartsWith("HTTP/1.1 200", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
    }
}
