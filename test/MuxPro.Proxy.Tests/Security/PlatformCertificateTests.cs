using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Tests.Security;

public sealed class PlatformCertificateTests
{
    [Fact]
    public async Task ThroughPkcs12_ServesTls_AndKeepsPinAndKey()
    {
        using var made = KeyFile.Create("test", TimeProvider.System);
        using X509Certificate2 through = PlatformCertificate.ThroughPkcs12(
            X509Certificate2.CreateFromPem(
                made.Certificate.ExportCertificatePem(), made.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()));
        Assert.Equal(made.Pin, Pin.Of(through));
        Assert.Equal(
            made.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKey(), through.GetECDsaPrivateKey()!.ExportPkcs8PrivateKey());

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using TcpClient far = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var server = new SslStream(far.GetStream());
        await using var client = new SslStream(near.GetStream());
        Pin? seen = null;
        var context = SslStreamCertificateContext.Create(through, [], offline: true);
        await Task.WhenAll(
            server.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificateContext = context },
                TestContext.Current.CancellationToken),
            client.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "test",
                    RemoteCertificateValidationCallback = (_, certificate, _, _)
                        => (seen = Pin.Of((X509Certificate2)certificate!)) == made.Pin,
                },
                TestContext.Current.CancellationToken));
        Assert.Equal(made.Pin, seen);
    }
}
