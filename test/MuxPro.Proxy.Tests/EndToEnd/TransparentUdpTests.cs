using System.Diagnostics;
using System.Globalization;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>A client of UDP ASSOCIATE that others wrote: dig asks redsocks, which asks dnsmasq by SOCKS5 through both programs.</summary>
public sealed class TransparentUdpTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dig_ByRedsocks_IsAnswered()
    {
        int dnsPort = Ports.Take();
        int redsocksPort = Ports.Take();
        await using ProxyPair pair = await ProxyPair.StartAsync();
        string configuration = Path.GetTempFileName();
        await File.WriteAllTextAsync(configuration, string.Create(CultureInfo.InvariantCulture, $$"""
            base { log_debug = off; log_info = off; log = stderr; daemon = off; redirector = iptables; }
            redudp {
                local_ip = 127.0.0.1; local_port = {{redsocksPort}};
                ip = 127.0.0.1; port = {{pair.EndPoint.Port}};
                dest_ip = 127.0.0.1; dest_port = {{dnsPort}};
            }

            """), Cancel);
        using Process dnsmasq = Tool.Start(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--log-facility=-", "--pid-file=",
            "--user=", "--listen-address=127.0.0.1", "--bind-interfaces", $"--port={dnsPort}",
            "--address=/test.example/192.0.2.77", $"--txt-record=text.example,{new string('t', 250)}");
        Process? redsocks = null;
        try
        {
            await Tool.ReadyAsync(dnsmasq, "started");
            redsocks = Tool.Start("redsocks", "-c", configuration);
            await Tool.ReadyAsync(redsocks, "started");
            Assert.Equal("192.0.2.77", await DigAsync("test.example", "A"));
            Assert.Equal($"\"{new string('t', 250)}\"", await DigAsync("text.example", "TXT"));
        }
        finally
        {
            await Tool.EndAsync(redsocks);
            await Tool.EndAsync(dnsmasq);
            File.Delete(configuration);
        }

        async Task<string> DigAsync(string name, string type)
        {
            (int exitCode, string said) = await Tool.RunAsync(
                "dig", "@127.0.0.1", "-p", redsocksPort.ToString(CultureInfo.InvariantCulture), name, type, "+short");
            Assert.True(exitCode == 0, $"{said}\nclient: {pair.ClientLog}\nserver: {pair.ServerLog}");
            return said.Trim();
        }
    }
}
