using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Daemons;

/// <summary>The daemon over real sockets: what each inbound and outbound does, and where rules send what.</summary>
public sealed class DaemonTests
{
    private const int Guard = 60_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>An outbound with a multiplexer on top, as the prototype's example has it.</summary>
    [Theory(Timeout = Guard)]
    [InlineData("socks", "mux.pro")]
    [InlineData("socks", "mux.cool")]
    [InlineData("http", "mux.pro")]
    [InlineData("mixed", "mux.cool")]
    public async Task MuxOnTop_OfAnotherProxy(string inbound, string protocol)
    {
        (int near, int far) = (Ports.Take(), Ports.Take());
        string outbound = inbound == "mixed" ? "http" : inbound;
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "near", "protocol": "mixed", "port": {{near}}, "settings": { "udp": true } },
                            { "tag": "far", "protocol": "{{inbound}}", "port": {{far}}, "settings": { "allowMux": true, "accounts": [ { "user": "ann", "pass": "a b" } ] } } ],
              "outbounds": [ { "tag": "proxy", "protocol": "{{outbound}}",
                               "settings": { "servers": [ { "address": "localhost", "port": {{far}}, "users": [ { "user": "ann", "pass": "a b" } ] } ] },
                               "mux": { "enabled": true, "concurrency": 8, "protocol": "{{protocol}}" } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": "far", "outboundTag": "out" } ] } }
            """);
        var socks = new IPEndPoint(IPAddress.Loopback, near);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Load.DownloadAsync(socks, target, 1 + (i * 10_000))));
        await Load.UploadAsync(socks, target, 1_000_000);
        await using var echo = new UdpEcho();
        using SocksUdpClient client = await SocksUdpClient.ConnectAsync(socks);
        await Load.ExchangeAsync(client, echo, [1, 2, 3]);
        Assert.Contains(
            host.Log.Entries,
            static entry => entry.Id == 70 && entry.Text.StartsWith("far 127.0.0.1", StringComparison.Ordinal)
                && entry.Text.Contains("user=ann", StringComparison.Ordinal));
    }

    [Fact(Timeout = Guard)]
    public async Task SpecialAddress_WhereItIsNotAllowed_IsRefused()
    {
        int socks = Ports.Take();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} } ], "outbounds": [ { "tag": "out", "protocol": "direct" } ] }
            """);
        foreach (Destination special in (Destination[])[Destination.MuxPro, Destination.MuxCool])
        {
            SessionException refused = await Assert.ThrowsAsync<SessionException>(
                () => Load.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks), special));
            Assert.Equal(ErrorCode.ProxyRejected, refused.ErrorCode);
        }

        Assert.Contains("'allowMux' is false", await host.Log.WaitAsync(21), StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task Socks_WithoutUdp_RefusesIt_AndHttpIsNotSpokenThere()
    {
        int socks = Ports.Take();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} } ], "outbounds": [ { "tag": "out", "protocol": "direct" } ] }
            """);
        var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
        (Socket connection, byte[] answer) = await SocksUdpClient.AskAsync(endPoint, IPAddress.Any, 0);
        connection.Dispose();
        Assert.Equal(7, answer[1]);
        using var http = new TcpClient();
        await http.ConnectAsync(endPoint, Cancel);
        await http.GetStream().WriteAsync("GET http://a/ HTTP/1.1\r\n\r\n"u8.ToArray(), Cancel);
        Assert.Equal(0, await http.GetStream().ReadAsync(new byte[1], Cancel));
    }

    [Fact(Timeout = Guard)]
    public async Task Forward_CarriesStreamsAndDatagrams_ThroughTheProxyOfSocks()
    {
        (int forward, int far) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using var echo = new UdpEcho();
        string json = $$"""
            { "inbounds": [ { "tag": "tcp", "protocol": "dokodemo-door", "port": {{forward}}, "settings": { "address": "127.0.0.1", "port": {{target.Port}} } },
                            { "tag": "udp", "protocol": "forward", "port": {{forward}}, "settings": { "address": "127.0.0.1", "port": {{echo.Port}}, "network": "udp" } },
                            { "tag": "far", "protocol": "socks", "port": {{far}}, "settings": { "udp": true } } ],
              "outbounds": [ { "tag": "proxy", "protocol": "socks", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{far}} } ] } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": "far", "outboundTag": "out" } ] } }
            """;
        await using DaemonHost host = await DaemonHost.StartAsync(json);
        await using (Link link = await Link.ConnectTcpAsync("127.0.0.1", forward, Cancel))
        {
            await LoadTarget.DownloadAsync(link.AsStream(), 1_000_000, Cancel);
        }

        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        for (int i = 0; i < 2; i++)
        {
            await client.SendAsync("ping"u8.ToArray(), new IPEndPoint(IPAddress.Loopback, forward), Cancel);
            UdpReceiveResult answer = await client.ReceiveAsync(Cancel);
            Assert.Equal("ping", Encoding.ASCII.GetString(answer.Buffer));
            Assert.Equal(forward, answer.RemoteEndPoint.Port);

            // Another configuration serves the same sockets.
            await host.ApplyAsync(json.Replace("\"tag\": \"udp\"", "\"tag\": \"udp2\"", StringComparison.Ordinal));
        }
    }

    [Fact(Timeout = Guard)]
    public async Task Datagrams_GoByTheRules_OneByOne()
    {
        int socks = Ports.Take();
        await using var allowed = new UdpEcho();
        await using var blocked = new UdpEcho();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}}, "settings": { "udp": true } } ],
              "outbounds": [ { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } }, { "tag": "no", "protocol": "block" } ],
              "routing": { "rules": [ { "port": {{blocked.Port}}, "network": "udp", "outboundTag": "no" } ] } }
            """);
        using SocksUdpClient client = await SocksUdpClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks));
        await Load.ExchangeAsync(client, allowed, [1]);
        await client.SendAsync(blocked.Destination, [2]);
        await client.SendAsync(blocked.Destination, [3]);
        await Load.ExchangeAsync(client, allowed, [4]);
        Assert.Equal(0, blocked.Received);
    }

    [Fact(Timeout = Guard)]
    public async Task Balancer_WhoseServerIsDown_TakesAnother_InTheSameConnection()
    {
        (int socks, int server, int nobody) = (Ports.Take(), Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}}, "settings": { "udp": true } }, { "tag": "server", "protocol": "mux", "port": {{server}} } ],
              "outbounds": [ { "tag": "none", "protocol": "block" },
                             { "tag": "relay-a", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{nobody}} } ] } },
                             { "tag": "relay-b", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": "server", "outboundTag": "out" }, { "inboundTag": "in", "balancerTag": "relays" } ],
                           "balancers": [ { "tag": "relays", "selector": [ "relay-" ], "strategy": { "type": "roundRobin" } } ] } }
            """);
        var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Load.DownloadAsync(endPoint, target, 1000)));
        await using var echo = new UdpEcho();
        using SocksUdpClient client = await SocksUdpClient.ConnectAsync(endPoint);
        await Load.ExchangeAsync(client, echo, [7]);
    }

    /// <summary>
    /// A rule says which priority what comes in here has; what comes in with one keeps it, over as many main connections as there are.
    /// </summary>
    [Theory(Timeout = Guard)]
    [InlineData("", 7)]
    [InlineData("\"priority\": 200, ", 200)]
    public async Task Priority_GoesAllTheWay(string ofTheMiddle, byte expected)
    {
        (int socks, int middle) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using var echo = new UdpEcho();
        var reports = Channel.CreateUnbounded<SessionReport>();
        var server = new Server(new DirectDispatcher()) { SessionEnded = report => reports.Writer.TryWrite(report) };
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = ServeOneAsync();
        await using (DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}}, "settings": { "udp": true } }, { "tag": "middle", "protocol": "mux", "port": {{middle}} } ],
              "outbounds": [ { "tag": "first", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{middle}} } ] } },
                             { "tag": "second", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{((IPEndPoint)listener.LocalEndpoint).Port}} } ] } } ],
              "routing": { "rules": [ { "inboundTag": "in", "outboundTag": "first", "priority": 7 }, { "inboundTag": "middle", {{ofTheMiddle}}"outboundTag": "second" } ] } }
            """))
        {
            var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
            await Load.DownloadAsync(endPoint, target, 1000);
            using (SocksUdpClient client = await SocksUdpClient.ConnectAsync(endPoint))
            {
                await Load.ExchangeAsync(client, echo, [1]);
            }

            foreach (int _ in (int[])[1, 2])
            {
                Assert.Equal(expected, (await reports.Reader.ReadAsync(Cancel)).Priority);
            }
        }

        await serving;

        async Task ServeOneAsync() => await server.RunAsync(Link.FromSocket(await listener.AcceptSocketAsync(Cancel)), Cancel);
    }

    /// <summary>A proxy that is reached through another outbound gets its datagrams that way, too.</summary>
    [Fact(Timeout = Guard)]
    public async Task DatagramsOfAProxy_GoThroughTheOutboundThatItIsReachedThrough()
    {
        (int socks, int server, int far) = (Ports.Take(), Ports.Take(), Ports.Take());
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}}, "settings": { "udp": true } },
                            { "tag": "server", "protocol": "mux", "port": {{server}} },
                            { "tag": "far", "protocol": "socks", "port": {{far}}, "settings": { "udp": true } } ],
              "outbounds": [ { "tag": "proxy", "protocol": "socks", "proxySettings": { "tag": "relay" }, "settings": { "servers": [ { "address": "127.0.0.1", "port": {{far}} } ] } },
                             { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": [ "server", "far" ], "outboundTag": "out" } ] } }
            """);
        await using var first = new UdpEcho();
        await using var second = new UdpEcho();
        using (SocksUdpClient client = await SocksUdpClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks)))
        {
            await Load.ExchangeAsync(client, first, [1]);
            await Load.ExchangeAsync(client, second, [.. Enumerable.Range(0, 1400).Select(static i => (byte)i)]);
        }

        List<string> lines = [];
        while (!(lines.Exists(static line => line.StartsWith("in ", StringComparison.Ordinal))
            && lines.Exists(static line => line.StartsWith("server ", StringComparison.Ordinal))))
        {
            lines.Add(await host.Log.WaitAsync(71));
        }

        // What the far proxy says of it is what its targets see.
        Assert.Matches(
            $"^server .* udp:127.0.0.1:[0-9]+ -> out up [0-9]+ datagrams",
            lines.First(static line => line.StartsWith("server ", StringComparison.Ordinal)));
        Assert.DoesNotContain(
            lines,
            line => line.StartsWith("server ", StringComparison.Ordinal)
                && line.Contains($":{first.Port} ", StringComparison.Ordinal));
    }

    [Fact(Timeout = Guard)]
    public async Task PrivateTargets_AreRefused_UnlessAllowedOrNamed()
    {
        (int socks, int redirected) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} }, { "tag": "re", "protocol": "socks", "port": {{redirected}} } ],
              "outbounds": [ { "tag": "out", "protocol": "freedom" }, { "tag": "redirect", "protocol": "freedom", "settings": { "redirect": "127.0.0.1:{{target.Port}}" } } ],
              "routing": { "rules": [ { "inboundTag": "re", "outboundTag": "redirect" } ] } }
            """);
        SessionException refused = await Assert.ThrowsAsync<SessionException>(
            () => Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 10));
        Assert.Equal(ErrorCode.ProxyRejected, refused.ErrorCode);
        await using Link link = await Load.ConnectAsync(
            new IPEndPoint(IPAddress.Loopback, redirected), Destination.Tcp("elsewhere.example", 1));
        await LoadTarget.DownloadAsync(link.AsStream(), 1000, Cancel);
    }

    [Fact(Timeout = Guard)]
    public async Task Blocked_ByHttp_IsToldSo()
    {
        int port = Ports.Take();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "http", "port": {{port}} } ],
              "outbounds": [ { "tag": "no", "protocol": "blackhole", "settings": { "response": { "type": "http" } } } ] }
            """);
        (int exitCode, string said) = await Tool.RunAsync("curl", "-s", "-i", "-x", $"http://127.0.0.1:{port}", "http://a.example/");
        Assert.Equal(0, exitCode);
        Assert.StartsWith("HTTP/1.1 403", said, StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task Drain_LetsWhatIsOpenFinish()
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} }, { "tag": "server", "protocol": "mux", "port": {{server}} } ],
              "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": "server", "outboundTag": "out" } ] } }
            """);
        Link link = await Load.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks), target.Destination);
        await LoadTarget.AskAsync(link.AsStream(), 'D', 1_000_000, Cancel);
        await link.AsStream().ReadExactlyAsync(new byte[1], Cancel);
        Task<int> draining = host.Daemon.DrainAsync(Cancel);
        await link.AsStream().ReadExactlyAsync(new byte[999_999], Cancel);
        await link.DisposeAsync();
        Assert.Equal(0, await draining);
    }

    [Fact(Timeout = Guard)]
    public async Task Drain_WaitsForTheOnlyConnection()
    {
        int socks = Ports.Take();
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} } ],
              "outbounds": [ { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ] }
            """);
        Link link = await Load.ConnectAsync(new IPEndPoint(IPAddress.Loopback, socks), target.Destination);
        await LoadTarget.AskAsync(link.AsStream(), 'D', 1_000_000, Cancel);
        await link.AsStream().ReadExactlyAsync(new byte[1], Cancel);
        Task<int> draining = host.Daemon.DrainAsync(Cancel);
        for (int i = 0; i < 1000; i++)
        {
            // Also once the accept loop has ended.
            Assert.Equal((1, false), (host.Daemon.OpenConnections, draining.IsCompleted));
            await Task.Yield();
        }

        await link.AsStream().ReadExactlyAsync(new byte[999_999], Cancel);
        await link.DisposeAsync();
        Assert.Equal(0, await draining);
    }

    [Fact(Timeout = Guard)]
    public async Task HttpConnectionsThatRest_EndWithADrain_AndWithTheirInbound()
    {
        int port = Ports.Take();
        await using Origin origin = await Origin.StartAsync();
        string json = $$"""
            { "inbounds": [ { "tag": "in", "protocol": "http", "port": {{port}} } ],
              "outbounds": [ { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ] }
            """;
        await using DaemonHost host = await DaemonHost.StartAsync(json);
        using TcpClient replaced = await AskAsync();
        await host.ApplyAsync(json.Replace("\"http\"", "\"mixed\"", StringComparison.Ordinal));
        Assert.Equal(0, await replaced.GetStream().ReadAsync(new byte[1], Cancel));
        using TcpClient drained = await AskAsync();
        Task<int> draining = host.Daemon.DrainAsync(Cancel);
        Assert.Equal(0, await drained.GetStream().ReadAsync(new byte[1], Cancel));
        replaced.Close();
        drained.Close();
        Assert.Equal(0, await draining);

        async Task<TcpClient> AskAsync()
        {
            var application = new TcpClient();
            await application.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Cancel);
            Link link = Link.FromStream(application.GetStream());
            await HttpConversation.SayAsync(link, $"GET {origin.Uri("/bytes/0")} HTTP/1.1\r\nHost: x\r\n\r\n");
            Assert.DoesNotContain("Connection: close", await HttpConversation.HearAsync(link), StringComparison.Ordinal);
            return application;
        }
    }

    /// <summary>What the options of the verbs say, a configuration says too.</summary>
    [Fact(Timeout = Guard)]
    public async Task MainConnections_WearOut_AsTheConfigurationSays()
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using var target = new LoadTarget();
        await using DaemonHost host = await DaemonHost.StartAsync($$"""
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}} },
                            { "tag": "server", "protocol": "mux", "port": {{server}}, "settings": { "versions": [ "0.1" ] } } ],
              "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] },
                               "mux": { "maxBytes": "64K", "maxAge": 3600, "maxIdle": 0, "picker": "leastLoaded", "versions": [ "private", "0.1" ] } },
                             { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ],
              "routing": { "rules": [ { "inboundTag": "server", "outboundTag": "out" } ] } }
            """);
        for (int i = 0; i < 3; i++)
        {
            await Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 100_000);
        }

        Assert.Equal(3, host.Log.Entries.Count(static entry => entry.Id == 50));
    }

    [Fact]
    public void Redirect_KeepsWhatItDoesNotName()
    {
        var target = Destination.Tcp("a.example", 80);
        Assert.Equal("tcp:b.example:81", Redirect.Parse("b.example:81").Apply(target).ToString());
        Assert.Equal("tcp:a.example:81", Redirect.Parse(":81").Apply(target).ToString());
        Assert.Equal("tcp:b.example:80", Redirect.Parse("b.example:0").Apply(target).ToString());
        Assert.Equal("tcp:[::1]:81", Redirect.Parse("[::1]:81").Apply(target).ToString());
    }
}
