using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Daemons;

/// <summary>
/// A configuration that replaces another while much is open: nothing of that breaks, and one that is not good changes nothing.
/// </summary>
public sealed class ReloadTests
{
    private const int Guard = 120_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = Guard)]
    public async Task TwoHundredDownloads_GoOn_ThroughGoodAndBadConfigurations()
    {
        const int Downloads = 200;
        const long Length = 400_000;
        (int socks, int server) = (Ports.Take(), Ports.Take());
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        int busyPort = ((IPEndPoint)busy.LocalEndpoint).Port;
        await using var target = new LoadTarget();
        string file = Path.GetTempFileName();
        try
        {
            string good = Json(socks, server, concurrency: 8);
            await File.WriteAllTextAsync(file, good, Cancel);
            await using DaemonHost host = await DaemonHost.StartAsync(good);
            using var output = new StringWriter();
            using var reloader = new Reloader(host.Daemon, () => [file], output, host.Log);

            // Open, and in the middle: half of each is read, and then comes what may.
            var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
            Link[] links = await Task.WhenAll(Enumerable.Range(0, Downloads).Select(_ => Load.ConnectAsync(endPoint, target.Destination)));
            foreach (Link link in links)
            {
                await LoadTarget.AskAsync(link.AsStream(), 'D', Length, Cancel);
                await link.AsStream().ReadExactlyAsync(new byte[100], Cancel);
            }

            Snapshot before = host.Daemon.Current;
            (string Json, string Says)[] bad =
            [
                (good[..^5], "no JSON"),
                (good.Replace("\"concurrency\"", "\"concurency\"", StringComparison.Ordinal), "did you mean 'concurrency'?"),
                (good.Replace("\"tag\": \"out\"", "\"tag\": \"relay\"", StringComparison.Ordinal), "has the tag 'relay' already"),
                (good.Replace("\"outboundTag\": \"out\"", "\"outboundTag\": \"oust\"", StringComparison.Ordinal), "did you mean 'out'?"),
                (good.Replace("127.0.0.0/8", "127.0.0.0/80", StringComparison.Ordinal), "a network such as 10.0.0.0/8"),
                (good.Replace(
                    "\"streamSettings\": {}",
                    "\"streamSettings\": { \"security\": \"tls\", \"tlsSettings\": { \"certificates\": [ { \"certificateFile\": "
                        + "\"gone.pem\" } ] } }", StringComparison.Ordinal), "gone.pem: there is no such file."),
                (good.Replace($"\"port\": {socks}", $"\"port\": {busyPort}", StringComparison.Ordinal), "the address is in use"),
            ];
            foreach ((string json, string says) in bad)
            {
                Assert.NotEqual(good, json);
                await File.WriteAllTextAsync(file, json, Cancel);
                Assert.False(await reloader.ReloadAsync("test"), says);
                Assert.Same(before, host.Daemon.Current);
                Assert.Contains(host.Log.Entries, entry => entry.Id == 92 && entry.Text.Contains(says, StringComparison.Ordinal));
            }

            // Another number changes the outbound, another limit everything.
            string[] configurations =
            [
                Json(socks, server, concurrency: 16),
                Json(socks, server, 16).Replace("\"udpTimeout\": 60", "\"udpTimeout\": 61", StringComparison.Ordinal),
            ];
            foreach (string json in configurations)
            {
                await File.WriteAllTextAsync(file, json, Cancel);
                Assert.True(await reloader.ReloadAsync("test"));
                Assert.NotSame(before, host.Daemon.Current);
                await Load.DownloadAsync(endPoint, target, 10_000);
            }

            await Task.WhenAll(links.Select(async link =>
            {
                byte[] rest = new byte[Length - 100];
                await link.AsStream().ReadExactlyAsync(rest, Cancel);
                Assert.Equal(0, await link.AsStream().ReadAsync(rest, Cancel));
                await link.DisposeAsync();
            }));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact(Timeout = Guard)]
    public async Task RulesThatChange_CountForWhatIsNew_AlsoOnMainConnectionsThatAreOpen()
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        string json = Json(socks, server, concurrency: 8);
        await using DaemonHost host = await DaemonHost.StartAsync(json);
        var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
        await Load.DownloadAsync(endPoint, target, 10_000);
        await host.ApplyAsync(json.Replace("\"outboundTag\": \"out\"", "\"outboundTag\": \"no\"", StringComparison.Ordinal));
        SessionException refused = await Assert.ThrowsAsync<SessionException>(() => Load.DownloadAsync(endPoint, target, 10_000));
        Assert.Equal(ErrorCode.ProxyRejected, refused.ErrorCode);
    }

    [Fact(Timeout = Guard)]
    public async Task InboundThatGoes_TakesNothingNew_AndKeepsWhatIsOpen()
    {
        (int socks, int other, int server) = (Ports.Take(), Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync(Json(socks, server, concurrency: 8));
        await using Link open = await Load.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks), target.Destination);
        await host.ApplyAsync(Json(other, server, concurrency: 8));
        Assert.Equal($"Not listening on 127.0.0.1:{socks} any more; connections that go on: 1.", await host.Log.WaitAsync(6));
        await LoadTarget.DownloadAsync(open.AsStream(), 100_000, Cancel);
        await Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, other), target, 10_000);
        await Assert.ThrowsAsync<SocketException>(() => Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 10));
    }

    [Fact]
    public void Watch_TellsOfAChange_OnceItIsOver()
    {
        var time = new FakeTimeProvider();
        string file = Path.GetTempFileName();
        int told = 0;
        try
        {
            using var watch = new ConfigurationWatch(() => [file], () => told++, time);
            time.Advance(TimeSpan.FromSeconds(3));
            Assert.Equal(0, told);
            File.AppendAllText(file, "x");
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(0, told);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(1, told);
            time.Advance(TimeSpan.FromSeconds(9));
            Assert.Equal(1, told);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Json(int socks, int server, int concurrency) => $$"""
        { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} },
                        { "tag": "server", "protocol": "mux", "port": {{server}}, "streamSettings": {} } ],
          "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] },
                           "mux": { "enabled": true, "concurrency": {{concurrency}} } },
                         { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } },
                         { "tag": "no", "protocol": "block" } ],
          "routing": { "rules": [ { "inboundTag": [ "server" ], "source": [ "127.0.0.0/8" ], "outboundTag": "out" },
                                  { "inboundTag": [ "server" ], "outboundTag": "out" } ] },
          "limits": { "udpTimeout": 60 } }
        """;
}
