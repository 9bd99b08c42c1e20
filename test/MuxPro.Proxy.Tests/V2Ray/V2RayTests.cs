using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Tests.Support;
using static MuxPro.Proxy.Tests.V2Ray.V2RayConfigurations;

namespace MuxPro.Proxy.Tests.V2Ray;

/// <summary>A real V2Ray on the other end, in each role that one can have: what goes in comes out, by SHA-256.</summary>
[Collection(nameof(Heavy))]
public sealed class V2RayTests
{
    private const int Guard = 180_000;

    [Theory(Timeout = Guard)]
    [InlineData(Tcp)]
    [InlineData(WebSocket)]
    public async Task V2RayClient_ToMuxInbound(string stream)
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using DaemonHost host = await DaemonHost.StartAsync(Server(server, stream));
        await using V2RayPeer peer = await V2RayPeer.StartAsync(V2RayClient(socks, server, stream));
        await LoadAsync(socks, peerLosesFlows: false, host.Log);
    }

    [Theory(Timeout = Guard)]
    [InlineData(Tcp)]
    [InlineData(WebSocket)]
    public async Task MuxCoolOutbound_ToV2RayServer(string stream)
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using V2RayPeer peer = await V2RayPeer.StartAsync(V2RayServer(server, stream));
        await using DaemonHost host = await DaemonHost.StartAsync(Client(socks, server, "mux.cool", stream));
        await LoadAsync(socks, peerLosesFlows: true, host.Log);
    }

    [Fact(Timeout = Guard)]
    public async Task V2RayClientThroughSocks_ToSpecialAddressOfSocksInbound()
    {
        (int socks, int proxy) = (Ports.Take(), Ports.Take());
        await using DaemonHost host = await DaemonHost.StartAsync(SocksServer(proxy));
        await using V2RayPeer peer = await V2RayPeer.StartAsync(V2RayClientThroughSocks(socks, proxy));
        await LoadAsync(socks, peerLosesFlows: false, host.Log);
    }

    [Fact(Timeout = Guard)]
    public async Task MuxOnTopOfSocks_ThroughV2Ray_ToMuxInbound()
    {
        (int socks, int proxy, int server) = (Ports.Take(), Ports.Take(), Ports.Take());
        await using DaemonHost far = await DaemonHost.StartAsync(Server(server, Tcp));
        await using V2RayPeer peer = await V2RayPeer.StartAsync(V2RaySocksServer(proxy, server));
        await using DaemonHost near = await DaemonHost.StartAsync(ClientThroughSocks(socks, proxy));
        await LoadAsync(socks, peerLosesFlows: false, far.Log);
    }

    /// <summary>The same without us, so that what fails elsewhere is ours.</summary>
    [Theory(Timeout = Guard)]
    [InlineData(Tcp)]
    [InlineData(WebSocket)]
    public async Task V2RayClient_ToV2RayServer(string stream)
    {
        (int socks, int server) = (Ports.Take(), Ports.Take());
        await using V2RayPeer far = await V2RayPeer.StartAsync(V2RayServer(server, stream));
        await using V2RayPeer near = await V2RayPeer.StartAsync(V2RayClient(socks, server, stream));
        await LoadAsync(socks, peerLosesFlows: true);
    }

    private static async Task LoadAsync(int socks, bool peerLosesFlows, LogCollector? log = null)
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
        try
        {
            await Load.StreamsAsync(endPoint);
            await Load.DatagramsAsync(endPoint, peerLosesFlows);
        }
        catch (Exception exception) when (log is not null)
        {
            // Which end it was, says the log.
            IEnumerable<string> said = log.Entries.Where(
                static entry => entry.Level >= LogLevel.Warning || entry.Id == -23
                    || !entry.Text.Contains("(0000)", StringComparison.Ordinal))
                .Select(static entry => entry.Text);
            throw new InvalidOperationException($"{exception.Message}\n  {string.Join("\n  ", said.TakeLast(40))}", exception);
        }
    }
}
