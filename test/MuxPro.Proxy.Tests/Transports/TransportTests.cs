using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Transports;

/// <summary>Every way to carry main connections, and who gets through; the programs at both ends are whole.</summary>
public sealed class TransportTests : IDisposable
{
    private const int Guard = 60_000;
    private const long Much = 10_000_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("muxpro-transport-").FullName;
    private readonly KeyFile _server = KeyFile.Create("server", TimeProvider.System);
    private readonly KeyFile _client = KeyFile.Create("client", TimeProvider.System);

    public TransportTests()
    {
        _server.Save(PathOf("server.pem"));
        _client.Save(PathOf("client.pem"));
        File.WriteAllText(PathOf("authorized"), $"{_client.Pin} ann\n");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory(Timeout = Guard)]
    [InlineData("tcp", "none")]
    [InlineData("tcp", "tls")]
    [InlineData("ws", "none")]
    [InlineData("ws", "tls")]
    [InlineData("unix", "none")]
    [InlineData("unix", "tls")]
    public async Task Bytes_GoThrough_BothWays(string network, string security)
    {
        await using var target = new LoadTarget();
        (string server, string client, int socks) = Json(network, security);
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        await using DaemonHost near = await DaemonHost.StartAsync(client);
        var endPoint = new IPEndPoint(IPAddress.Loopback, socks);
        await Load.DownloadAsync(endPoint, target, Much);
        await Load.UploadAsync(endPoint, target, Much);
    }

    [Fact(Timeout = Guard)]
    public async Task KeyOfTheClient_SaysWhoItIs()
    {
        await using var target = new LoadTarget();
        (string server, string client, int socks) = Json(
            "tcp", "tls", mux: $$""" "authorizedKeys": "{{PathOf("authorized")}}" """,
            own: $$""", "certificates": [ { "certificateFile": "{{PathOf("client.pem")}}" } ]""");
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        await using DaemonHost near = await DaemonHost.StartAsync(client);
        await Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 1000);
        Assert.Contains("user=ann", await far.Log.WaitAsync(70), StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task ClientWithoutAKey_IsNotLetIn()
    {
        await using var target = new LoadTarget();
        (string server, string client, int socks) = Json("tcp", "tls", mux: $$""" "authorizedKeys": "{{PathOf("authorized")}}" """);
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        await using DaemonHost near = await DaemonHost.StartAsync(client);
        await Assert.ThrowsAnyAsync<IOException>(() => Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 1000));
    }

    [Fact(Timeout = Guard)]
    public async Task ServerWithAnotherKey_IsNotTrusted_AndNamed()
    {
        await using var target = new LoadTarget();
        (string server, string client, int socks) = Json("tcp", "tls");
        client = client.Replace(_server.Pin.ToString(), _client.Pin.ToString(), StringComparison.Ordinal);
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        await using DaemonHost near = await DaemonHost.StartAsync(client);
        await Assert.ThrowsAnyAsync<IOException>(() => Load.DownloadAsync(new IPEndPoint(IPAddress.Loopback, socks), target, 1000));
        Assert.Contains($"its key is {_server.Pin}, none of 'pins'", await near.Log.WaitAsync(51), StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task CertificateThatIsReplaced_IsShownToThoseWhoComeThen()
    {
        int port = Ports.Take();
        (string server, _, _) = Json("tcp", "tls", server: port);
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        Assert.Equal(_server.Pin, await PinOfAsync(port));
        File.WriteAllText(PathOf("server.pem"), "broken");
        await Guarded(async () => far.Log.Entries.Any(static entry => entry.Id == 66) || await PinOfAsync(port) != _server.Pin);
        Assert.Equal(_server.Pin, await PinOfAsync(port));
        File.Copy(PathOf("client.pem"), PathOf("server.pem"), overwrite: true);
        await Guarded(async () => await PinOfAsync(port) == _client.Pin);
    }

    [Theory(Timeout = Guard)]
    [InlineData("GET /other HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404")]
    [InlineData("GET /mux HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426")]
    [InlineData("POST /mux HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("\u0001\u0002\r\n\r\n", "HTTP/1.1 400")]
    public async Task WhatIsNoWebSocket_IsAnsweredInHttp(string request, string answer)
    {
        int port = Ports.Take();
        (string server, _, _) = Json("ws", "none", server: port);
        await using DaemonHost far = await DaemonHost.StartAsync(server);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request), Cancel);
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith(answer, await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public void SocketOptions_AreSet()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        SocketSettings.Apply(new SocketConfiguration { TcpKeepAliveIdle = 33, TcpKeepAliveInterval = 11, TcpUserTimeout = 7777 }, socket);
        Assert.Equal(33, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(11, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        byte[] timeout = new byte[4];
        if (OperatingSystem.IsLinux())
        {
            socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, 18, timeout);
            Assert.Equal(7777, BitConverter.ToInt32(timeout));
        }
    }

    [Fact(Timeout = Guard)]
    public async Task UnixSocket_LeftBehind_IsTakenAway_AndAnotherFileIsNot()
    {
        string path = PathOf("s");
        using (var old = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            old.Bind(new UnixDomainSocketEndPoint(path));
        }

        File.WriteAllText(PathOf("file"), "not a socket");
        (string server, _, _) = Json("unix", "none", path: path);
        await (await DaemonHost.StartAsync(server)).DisposeAsync();
        Assert.False(File.Exists(path));
        await Assert.ThrowsAsync<ListenException>(
            () => DaemonHost.StartAsync(server.Replace(path, PathOf("file"), StringComparison.Ordinal)));
        Assert.True(File.Exists(PathOf("file")));
    }

    private static async Task Guarded(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            Cancel.ThrowIfCancellationRequested();
        }
    }

    private static async Task<Pin> PinOfAsync(int port)
    {
        Pin? pin = null;
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "server",
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    pin = Pin.Of((System.Security.Cryptography.X509Certificates.X509Certificate2)certificate!);
                    return pin is not null;
                },
            },
            Cancel);
        return pin!;
    }

    private string PathOf(string file) => Path.Combine(_directory, file);

    private (string Server, string Client, int Socks) Json(
        string network, string security, string mux = "", string own = "", int? server = null, string? path = null)
    {
        (int socks, int port) = (Ports.Take(), server ?? Ports.Take());
        bool isUnix = network == "unix";
        path ??= PathOf("mux.sock");
        string listen = isUnix ? $"\"listen\": \"{path}\"" : $"\"port\": {port}";
        string to = isUnix ? $"\"address\": \"{path}\"" : $"\"address\": \"127.0.0.1\", \"port\": {port}";
        string common = $"\"network\": \"{network}\", \"wsSettings\": {{ \"path\": \"/mux\" }}";
        string serverTls = security == "none"
            ? ""
            : $", \"security\": \"tls\", \"tlsSettings\": "
                + $"{{ \"certificates\": [ {{ \"certificateFile\": \"{PathOf("server.pem")}\" }} ] }}";
        string clientTls = security == "none"
            ? ""
            : $", \"security\": \"tls\", \"tlsSettings\": {{ \"pins\": [ \"{_server.Pin}\" ]{own} }}";
        return (
            $$"""
            { "inbounds": [ { "tag": "server", "protocol": "mux", {{listen}}, "settings": { {{mux}} }, "streamSettings": { {{common}}{{serverTls}} } } ],
              "outbounds": [ { "tag": "out", "protocol": "direct", "settings": { "allowPrivate": true } } ] }
            """,
            $$"""
            { "inbounds": [ { "tag": "in", "protocol": "mixed", "port": {{socks}} } ],
              "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { {{to}} } ] }, "streamSettings": { {{common}}{{clientTls}} } } ] }
            """,
            socks);
    }
}
