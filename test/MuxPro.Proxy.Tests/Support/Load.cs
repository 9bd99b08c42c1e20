using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Socks;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>
/// What applications do through a SOCKS5 port: little, much, and many at once, by TCP and by UDP. Everything that comes is compared.
/// </summary>
internal static class Load
{
    private const int Attempts = 20;
    private const int PortsOfLossyPeer = 4;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Connects to a target.</summary>
    public static async Task<Link> ConnectAsync(IPEndPoint socks, Destination target)
    {
        Link link = await Link.ConnectTcpAsync(socks.Address.ToString(), socks.Port, Cancel);
        return await SocksClient.ConnectAsync(link, "test", target, null, Cancel);
    }

    public static async Task DownloadAsync(IPEndPoint socks, LoadTarget target, long length)
    {
        await using Link link = await ConnectAsync(socks, target.Destination);
        await LoadTarget.DownloadAsync(link.AsStream(), length, Cancel);
    }

    public static async Task UploadAsync(IPEndPoint socks, LoadTarget target, long length)
    {
        await using Link link = await ConnectAsync(socks, target.Destination);
        await LoadTarget.UploadAsync(link.AsStream(), length, Cancel);
    }

    public static async Task EchoAsync(IPEndPoint socks, LoadTarget target)
    {
        await using Link link = await ConnectAsync(socks, target.Destination);
        await LoadTarget.EchoAsync(link.AsStream(), [1, 100, 4096], Cancel);
    }

    /// <summary>Bytes by TCP: questions and answers of 1 B to 4 KiB, 100 MB each way, and 50 at once.</summary>
    public static async Task StreamsAsync(IPEndPoint socks)
    {
        const long Much = 100_000_000;
        await using var target = new LoadTarget();
        foreach (long length in (long[])[1, 100, 4096])
        {
            await DownloadAsync(socks, target, length);
            await UploadAsync(socks, target, length);
        }

        await EchoAsync(socks, target);
        await DownloadAsync(socks, target, Much);
        await UploadAsync(socks, target, Much);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => i % 2 == 0
            ? DownloadAsync(socks, target, 1 + (i * 40_000)) : UploadAsync(socks, target, 1 + (i * 40_000))));
    }

    /// <summary>Datagrams of 1 B to 1,400 B, and 50 flows at once.</summary>
    /// <param name="socks">The port to go through.</param>
    /// <param name="peerLosesFlows">
    /// Whether V2Ray sends the datagrams on. Its sockets have SO_REUSEPORT and take any free port, so that two flows can have one port; the
    /// kernel then gives the answers of both to one of them. Only then may a flow be asked for again from another port.
    /// </param>
    public static async Task DatagramsAsync(IPEndPoint socks, bool peerLosesFlows)
    {
        int ports = peerLosesFlows ? PortsOfLossyPeer : 1;
        await using var echo = new UdpEcho();
        await ExchangeAllAsync(socks, echo, ports, [.. new[] { 1, 100, 512, 1400 }.Select(
            static length => Enumerable.Range(0, length).Select(i => (byte)(i + length)).ToArray())]);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => ExchangeAllAsync(
            socks, echo, ports, [.. Enumerable.Range(0, 5).Select(j => new byte[] { (byte)i, (byte)j, 1, 2, 3 })])));
    }

    /// <summary>
    /// Sends datagrams one after the other; where one is not answered for long, from another port as long as there are more.
    /// </summary>
    private static async Task ExchangeAllAsync(IPEndPoint socks, UdpEcho echo, int ports, byte[][] datagrams)
    {
        SocksUdpClient client = await SocksUdpClient.ConnectAsync(socks);
        try
        {
            foreach (byte[] data in datagrams)
            {
                for (int used = 1; !await TryExchangeAsync(client, echo, data, Attempts / ports); used++)
                {
                    Assert.True(used < ports, $"A datagram of {data.Length} bytes was not answered at any of {ports} ports.");
                    client.Dispose();
                    client = await SocksUdpClient.ConnectAsync(socks);
                }
            }
        }
        finally
        {
            client.Dispose();
        }
    }

    /// <summary>Sends a datagram until it is answered: on the way, one may be lost.</summary>
    public static async Task ExchangeAsync(SocksUdpClient client, UdpEcho echo, byte[] data)
        => Assert.True(
            await TryExchangeAsync(client, echo, data, Attempts),
            $"A datagram of {data.Length} bytes was not answered in {Attempts} attempts.");

    private static async Task<bool> TryExchangeAsync(SocksUdpClient client, UdpEcho echo, byte[] data, int attempts)
    {
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            await client.SendAsync(echo.Destination, data);
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            timeout.CancelAfter(AnswerTimeout);
            try
            {
                while (true)
                {
                    (_, byte[] answer) = await client.ReceiveAsync(timeout.Token);
                    if (answer.AsSpan().SequenceEqual(data))
                    {
                        return true;
                    }
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException && !Cancel.IsCancellationRequested)
            {
                // Once more.
            }
        }

        return false;
    }
}
