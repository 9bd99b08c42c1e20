using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MuxPro.MacroBench.Peers;

/// <summary>TLS 1.3 with a certificate that the server makes for the run, so the client knows no more of it than its name.</summary>
internal static class Tls
{
    private const string Name = "CN=localhost";

    private static readonly Lazy<X509Certificate2> Certificate = new(MakeCertificate);

    public static SslServerAuthenticationOptions Server => new()
    {
        ServerCertificate = Certificate.Value,
        EnabledSslProtocols = SslProtocols.Tls13,
    };

    public static SslClientAuthenticationOptions Client => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == Name,
    };

    public static async Task<SslStream> AcceptAsync(Socket socket)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsServerAsync(Server);
        return stream;
    }

    public static async Task<SslStream> ConnectAsync(Socket socket)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(Client);
        return stream;
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name, key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
