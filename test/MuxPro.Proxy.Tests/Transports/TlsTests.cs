using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Transports;

public sealed class TlsTests : IDisposable
{
    private readonly CertificateDirectory _files = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Certificate_Replaced_NewHandshakesSeeIt_OldConnectionsGoOn()
    {
        var time = new FakeTimeProvider();
        (CertificateConfiguration files, Pin first) = _files.Make("server.pem", "server.example");
        await using TransportPair pair = new(Server(files), time: time);
        (Link old, InboundTransportConnection here) = await pair.ConnectAsync(pair.Client(Client(first)));

        (_, Pin second) = _files.Make("server.pem", "server.example");
        time.Advance(TimeSpan.FromSeconds(2));
        await pair.ConnectAsync(pair.Client(Client(second)));
        IOException exception = await Assert.ThrowsAsync<IOException>(
            async () => await pair.Client(Client(first)).DialAsync(Session.DefaultPriority, Cancel));
        Assert.Contains($"its key is {second}", exception.Message, StringComparison.Ordinal);

        // A broken file: the last good one stays.
        await File.WriteAllTextAsync(files.CertificateFile, "nothing of use", Cancel);
        for (int i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(2));
            await pair.ConnectAsync(pair.Client(Client(second)));
        }

        Assert.Single(pair.Log.Entries, static entry => entry.Text.Contains("server.pem: has no certificate", StringComparison.Ordinal));

        await old.AsStream().WriteAsync("old"u8.ToArray(), Cancel);
        byte[] bytes = new byte[3];
        await here.Link.AsStream().ReadExactlyAsync(bytes, Cancel);
        Assert.Equal("old"u8, bytes);
    }

    [Fact]
    public async Task Authorities_Replaced_CountFromTheNextHandshakeOn()
    {
        var time = new FakeTimeProvider();
        using var others = new CertificateDirectory();
        (CertificateConfiguration files, _) = _files.Make("server.pem", "server.example");
        var client = new StreamConfiguration
        {
            Security = TransportSecurity.Tls,
            TlsSettings = new TlsConfiguration { CaFile = others.CaFile, ServerName = "server.example" },
        };
        await using TransportPair pair = new(Server(files), time: time);
        OutboundTransport transport = pair.Client(client, time: time);
        await Assert.ThrowsAsync<IOException>(async () => await transport.DialAsync(Session.DefaultPriority, Cancel));

        File.Copy(_files.CaFile, others.CaFile, overwrite: true);
        time.Advance(TimeSpan.FromSeconds(2));
        await pair.ConnectAsync(transport);

        // A broken file: the last good ones stay.
        await File.WriteAllTextAsync(others.CaFile, "nothing of use", Cancel);
        time.Advance(TimeSpan.FromSeconds(2));
        await pair.ConnectAsync(transport);
        Assert.Single(
            pair.ClientLog.Entries, static entry => entry.Text.Contains("authority.pem: has no certificate", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("exact.example", 2)]
    [InlineData("EXACT.example", 2)]
    [InlineData("a.wild.example", 1)]
    [InlineData("b.a.wild.example", 0)]
    [InlineData("exact.wild.example", 2)] // the exact name, whichever stands first
    [InlineData("other.example", 0)]
    [InlineData("127.0.0.1", 0)]
    [InlineData("no_host!name", 0)]
    [InlineData("..", 0)]
    public async Task Certificate_IsChosenByName(string asked, int expected)
    {
        (CertificateConfiguration Files, Pin Pin)[] all =
        [
            _files.Make("0.pem", "first.example"),
            _files.Make("1.pem", "*.wild.example"),
            _files.Make("2.pem", "exact.example", "exact.wild.example"),
        ];
        await using TransportPair pair = new(Server([.. all.Select(static one => one.Files)]));
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(Accepting(asked, "http/1.1"), Cancel);
        await pair.AcceptedAsync();
        Assert.Equal(all[expected].Pin, Pin.Of((X509Certificate2)tls.RemoteCertificate!));
    }

    [Theory]
    [InlineData("pin", true)]
    [InlineData("ca", true)]
    [InlineData("other pin", false)]
    [InlineData("other ca", false)]
    [InlineData("none", false)]
    public async Task ClientCertificate_IsAskedFor(string kind, bool isIn)
    {
        using var others = new CertificateDirectory();
        (CertificateConfiguration serverFiles, Pin serverPin) = _files.Make("server.pem", "server.example");
        (CertificateConfiguration own, Pin pin) = _files.Make("client.pem", "client.example");
        (CertificateConfiguration foreign, _) = others.Make("client.pem", "client.example");
        TlsConfiguration server = Server(serverFiles).TlsSettings with { VerifyClientCertificate = true };
        server = kind.EndsWith("ca", StringComparison.Ordinal) ? server with { CaFile = _files.CaFile } : server with { Pins = [pin] };
        CertificateConfiguration[] shown = kind switch { "none" => [], "pin" or "ca" => [own], _ => [foreign] };
        await using TransportPair pair = new(Server(serverFiles) with { TlsSettings = server });
        StreamConfiguration client = Client(serverPin);
        OutboundTransport transport = pair.Client(client with { TlsSettings = client.TlsSettings with { Certificates = shown } });
        if (isIn)
        {
            (_, InboundTransportConnection here) = await pair.ConnectAsync(transport);
            Assert.Equal(pin, Pin.Of(here.PeerCertificate!));
            return;
        }

        // TLS 1.3: the client learns of it after its own handshake.
        try
        {
            await using Link link = await transport.DialAsync(Session.DefaultPriority, Cancel);
            Assert.Equal(0, await link.AsStream().ReadAsync(new byte[1], Cancel));
        }
        catch (IOException)
        {
            // It was told, or cut.
        }

        await pair.Log.WaitAsync(42);
    }

    [Fact]
    public async Task Server_IsCheckedByAuthorityAndName()
    {
        using var others = new CertificateDirectory();
        (CertificateConfiguration files, _) = _files.Make("server.pem", "server.example");
        await using TransportPair pair = new(Server(files));
        await pair.ConnectAsync(pair.Client(ByAuthority(_files.CaFile, "server.example")));
        foreach (StreamConfiguration wrong in (StreamConfiguration[])
            [
                ByAuthority(_files.CaFile, "other.example"), ByAuthority(others.CaFile, "server.example"),
                ByAuthority(null, "server.example"),
            ])
        {
            OutboundTransport client = pair.Client(wrong);
            IOException exception = await Assert.ThrowsAsync<IOException>(
                async () => await client.DialAsync(Session.DefaultPriority, Cancel));
            Assert.Contains(client.Name, exception.Message, StringComparison.Ordinal);
        }

        static StreamConfiguration ByAuthority(string? caFile, string name) => new()
        {
            Security = TransportSecurity.Tls,
            TlsSettings = new TlsConfiguration { CaFile = caFile, ServerName = name },
        };
    }

    [Theory]
    [InlineData("muxpro", true)]
    [InlineData("h2", false)]
    [InlineData("", false)]
    public async Task MainConnections_NeedTheirProtocol_AtTheServer(string offered, bool isIn)
    {
        (CertificateConfiguration files, _) = _files.Make("server.pem", "server.example");
        await using TransportPair pair = new(Server(files), isForMainConnections: true);
        using var client = new TcpClient();
        await client.ConnectAsync(pair.EndPoint, Cancel);
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(Accepting("server.example", offered), Cancel);
        }
        catch (Exception exception) when (!isIn && exception is AuthenticationException or IOException)
        {
            // Told in the handshake.
        }

        if (isIn)
        {
            await pair.AcceptedAsync();
            return;
        }

        Assert.Contains("Mux.Pro", await pair.Log.WaitAsync(42), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MainConnections_NeedTheirProtocol_AtTheClient()
    {
        (CertificateConfiguration files, Pin pin) = _files.Make("server.pem", "server.example");
        StreamConfiguration server = Server(files);
        await using TransportPair pair = new(
            server with { TlsSettings = server.TlsSettings with { Alpn = [] } }, isForMainConnections: true);
        IOException exception = await Assert.ThrowsAsync<IOException>(
            async () => await pair.Client(Client(pin)).DialAsync(Session.DefaultPriority, Cancel));
        Assert.Contains("Mux.Pro", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OldVersion_IsRefused_UnlessAllowed()
    {
        (CertificateConfiguration files, _) = _files.Make("server.pem", "server.example");
        foreach (TlsVersion version in Enum.GetValues<TlsVersion>())
        {
            StreamConfiguration server = Server(files);
            await using TransportPair pair = new(server with { TlsSettings = server.TlsSettings with { MinVersion = version } });
            using var client = new TcpClient();
            await client.ConnectAsync(pair.EndPoint, Cancel);
            await using var tls = new SslStream(client.GetStream());
            SslClientAuthenticationOptions options = Accepting("server.example", "http/1.1");
            options.EnabledSslProtocols = SslProtocols.Tls12;
            Exception? failure = await Record.ExceptionAsync(() => tls.AuthenticateAsClientAsync(options, Cancel));
            Assert.Equal(version == TlsVersion.Tls13, failure is not null);
        }
    }

    [Fact]
    public async Task MainConnection_ShowsTheClientsKey()
    {
        (CertificateConfiguration files, Pin pin) = _files.Make("server.pem", "server.example");
        (CertificateConfiguration own, Pin shown) = _files.Make("client.pem", "client.example");
        await using TransportPair pair = new(Server(files), isForMainConnections: true, asksForKey: true);
        StreamConfiguration client = Client(pin);
        await using Link link = await pair.Client(
            client with { TlsSettings = client.TlsSettings with { Certificates = [own] } }).DialMainAsync(Cancel);
        Assert.Equal(shown, Pin.Of((await pair.AcceptedAsync()).PeerCertificate!));
    }

    private static StreamConfiguration Server(params CertificateConfiguration[] files) => new()
    {
        Security = TransportSecurity.Tls,
        TlsSettings = new TlsConfiguration { Certificates = files },
    };

    private static StreamConfiguration Client(Pin pin) => new()
    {
        Security = TransportSecurity.Tls,
        TlsSettings = new TlsConfiguration { Pins = [pin] },
    };

    // The tests look at the certificate themselves.
#pragma warning disable CA5359
    private static SslClientAuthenticationOptions Accepting(string name, string protocol) => new()
    {
        TargetHost = name,
        ApplicationProtocols = protocol.Length == 0 ? null : [new SslApplicationProtocol(protocol)],
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
    };
#pragma warning restore CA5359
}
