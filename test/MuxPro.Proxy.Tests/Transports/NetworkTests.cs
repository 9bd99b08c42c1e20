using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Transports;

/// <summary>Bytes in and out by every network and security.</summary>
public sealed class NetworkTests : IDisposable
{
    private const int KeepAliveSeconds = 77;
    private const int UserTimeoutMilliseconds = 12_345;

    private readonly CertificateDirectory _files = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("tcp", "none")]
    [InlineData("tcp", "tls")]
    [InlineData("ws", "none")]
    [InlineData("ws", "tls")]
    [InlineData("unix", "none")]
    [InlineData("unix", "tls")]
    public async Task Bytes_BothWays_ArriveAsTheyWere(string networkName, string securityName)
    {
        (StreamConfiguration server, StreamConfiguration client) = Both(networkName, securityName);
        await using TransportPair pair = Start(server);
        (Link there, InboundTransportConnection here) = await pair.ConnectAsync(pair.Client(client));
        byte[] bytes = Origin.Bytes(10_000_000);
        Task<string> up = HashAsync(here.Link, bytes.Length);
        Task<string> down = HashAsync(there, bytes.Length);
        await Task.WhenAll(there.AsStream().WriteAsync(bytes, Cancel).AsTask(), here.Link.AsStream().WriteAsync(bytes, Cancel).AsTask());
        Assert.Equal(Origin.HashOf(bytes), await up);
        Assert.Equal(Origin.HashOf(bytes), await down);
    }

    [Theory]
    [InlineData("tcp", "none")]
    [InlineData("tcp", "tls")]
    [InlineData("ws", "none")]
    [InlineData("ws", "tls")]
    [InlineData("unix", "none")]
    [InlineData("unix", "tls")]
    public async Task End_OfOneDirection_LeavesTheOther(string networkName, string securityName)
    {
        (StreamConfiguration server, StreamConfiguration client) = Both(networkName, securityName);
        await using TransportPair pair = Start(server);
        (Link there, InboundTransportConnection here) = await pair.ConnectAsync(pair.Client(client));
        await there.AsStream().WriteAsync("question"u8.ToArray(), Cancel);
        await there.Output.CompleteAsync();
        Assert.Equal("question", await ReadToEndAsync(here.Link));
        await here.Link.AsStream().WriteAsync("answer"u8.ToArray(), Cancel);
        await here.Link.Output.CompleteAsync();
        Assert.Equal("answer", await ReadToEndAsync(there));
    }

    [Fact]
    public async Task PlainTcp_IsTheSocketItself()
    {
        await using var pair = new TransportPair(new StreamConfiguration());
        (Link there, InboundTransportConnection here) = await pair.ConnectAsync(pair.Client(new StreamConfiguration()));
        Assert.IsType<NetworkStream>(there.AsStream());
        Assert.IsType<NetworkStream>(here.Link.AsStream());
        Assert.Equal(pair.EndPoint, here.Socket.LocalEndPoint);
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(here.Source).Address);
        Assert.Null(here.PeerCertificate);
    }

    [Fact]
    public async Task Options_AreOnBothSockets()
    {
        var stream = new StreamConfiguration
        {
            Sockopt = new SocketConfiguration
            {
                TcpKeepAliveIdle = KeepAliveSeconds,
                TcpKeepAliveInterval = 3,
                TcpUserTimeout = UserTimeoutMilliseconds,
            },
        };
        await using var pair = new TransportPair(stream);
        (Link there, _) = await pair.ConnectAsync(pair.Client(stream));
        foreach (Socket socket in (Socket[])[((NetworkStream)there.AsStream()).Socket, pair.Socket!])
        {
            Assert.Equal(1, (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
            Assert.Equal(KeepAliveSeconds, (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);
            Assert.Equal(3, (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval)!);
            if (OperatingSystem.IsLinux())
            {
                byte[] timeout = new byte[sizeof(int)];
                socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, 18, timeout);
                Assert.Equal(UserTimeoutMilliseconds, BitConverter.ToInt32(timeout));
            }
        }
    }

    [Fact]
    public async Task Through_AnotherOutbound_CarriesTlsAndWebSocket()
    {
        (StreamConfiguration server, StreamConfiguration client) = Both("ws", "tls");
        await using TransportPair pair = Start(server);
        Destination? asked = null;
        OutboundTransport transport = pair.Client(client, async (target, _, cancellationToken) =>
        {
            asked = target;
            return await Link.ConnectTcpAsync("127.0.0.1", target.Port, cancellationToken);
        });
        (Link there, InboundTransportConnection here) = await pair.ConnectAsync(transport);
        Assert.Equal(Destination.Tcp(IPAddress.Loopback, pair.EndPoint.Port), asked);
        await there.AsStream().WriteAsync("through"u8.ToArray(), Cancel);
        await there.Output.CompleteAsync();
        Assert.Equal("through", await ReadToEndAsync(here.Link));
    }

    [Fact]
    public async Task Nobody_IsNamed_AndWarnedOfOnce()
    {
        var pair = new TransportPair(new StreamConfiguration());
        OutboundTransport client = pair.Client(new StreamConfiguration());
        await pair.DisposeAsync();
        for (int i = 0; i < 3; i++)
        {
            IOException exception = await Assert.ThrowsAsync<IOException>(
                async () => await client.DialAsync(Session.DefaultPriority, Cancel));
            Assert.Contains(client.Name, exception.Message, StringComparison.Ordinal);
        }

        Assert.Single(pair.ClientLog.Entries, static entry => entry.Id == 51);
        Assert.Equal(0, pair.Sockets.Open);
    }

    private TransportPair Start(StreamConfiguration server)
        => new(server, path: server.Network == TransportNetwork.Unix ? _files.PathOf("socket") : null);

    private (StreamConfiguration Server, StreamConfiguration Client) Both(string network, string security)
    {
        (CertificateConfiguration files, Pin pin) = _files.Make("server.pem", "server.example");
        var common = new StreamConfiguration
        {
            Network = Enum.Parse<TransportNetwork>(network, ignoreCase: true),
            Security = Enum.Parse<TransportSecurity>(security, ignoreCase: true),
            WsSettings = new WebSocketConfiguration { Path = "/mux" },
        };
        return (
            common with { TlsSettings = new TlsConfiguration { Certificates = [files] } },
            common with { TlsSettings = new TlsConfiguration { Pins = [pin], ServerName = "server.example" } });
    }

    private static async Task<string> HashAsync(Link link, int count)
    {
        byte[] bytes = new byte[count];
        await link.AsStream().ReadExactlyAsync(bytes, Cancel);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static async Task<string> ReadToEndAsync(Link link)
    {
        using var reader = new StreamReader(link.AsStream(), leaveOpen: true);
        return await reader.ReadToEndAsync(Cancel);
    }
}
