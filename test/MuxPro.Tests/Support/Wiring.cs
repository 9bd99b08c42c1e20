using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MuxPro.Tests.Support;

/// <summary>What the two ends of a main connection are joined by. Reversed: the end that dialled the transport is the Mux server.</summary>
public enum Wiring
{
    Memory,
    MemoryReversed,
    Tcp,
    TcpReversed,
    Tls,
    TlsReversed,

    /// <summary>TLS that the library started itself, many records per system call.</summary>
    Records,
    RecordsReversed,
    Unix,
    UnixReversed,
}

internal static class Wirings
{
    private static readonly Lazy<X509Certificate2> Certificate = new(MakeCertificate);

    public static async Task<(Link Client, Link Server)> ConnectAsync(Wiring wiring, CancellationToken cancellationToken)
    {
        (Link dialled, Link accepted) = wiring switch
        {
            Wiring.Memory or Wiring.MemoryReversed => Link.CreatePair(),
            Wiring.Tcp or Wiring.TcpReversed => await ConnectTcpAsync(cancellationToken),
            Wiring.Tls or Wiring.TlsReversed => await ConnectTlsAsync(cancellationToken),
            Wiring.Records or Wiring.RecordsReversed => await ConnectRecordsAsync(cancellationToken),
            _ => await ConnectUnixAsync(cancellationToken),
        };
        bool reversed = wiring is Wiring.MemoryReversed or Wiring.TcpReversed or Wiring.TlsReversed or Wiring.RecordsReversed
            or Wiring.UnixReversed;
        return reversed ? (accepted, dialled) : (dialled, accepted);
    }

    private static async Task<(Link Dialled, Link Accepted)> ConnectTcpAsync(CancellationToken cancellationToken)
    {
        (Socket dialled, Socket accepted) = await ConnectSocketsAsync(
            new IPEndPoint(IPAddress.Loopback, 0), ProtocolType.Tcp, cancellationToken);
        return (Link.FromSocket(dialled), Link.FromSocket(accepted));
    }

    private static async Task<(Link Dialled, Link Accepted)> ConnectUnixAsync(CancellationToken cancellationToken)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            (Socket dialled, Socket accepted) = await ConnectSocketsAsync(
                new UnixDomainSocketEndPoint(path), ProtocolType.Unspecified, cancellationToken);
            return (Link.FromSocket(dialled), Link.FromSocket(accepted));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<(Link Dialled, Link Accepted)> ConnectTlsAsync(CancellationToken cancellationToken)
    {
        (Socket dialled, Socket accepted) = await ConnectSocketsAsync(
            new IPEndPoint(IPAddress.Loopback, 0), ProtocolType.Tcp, cancellationToken);
        var near = new SslStream(new NetworkStream(dialled, ownsSocket: true));
        var far = new SslStream(new NetworkStream(accepted, ownsSocket: true));
        await Task.WhenAll(
            near.AuthenticateAsClientAsync(ClientTls(), cancellationToken),
            far.AuthenticateAsServerAsync(ServerTls(), cancellationToken));
        return (Link.FromStream(near, dialled), Link.FromStream(far, accepted));
    }

    private static async Task<(Link Dialled, Link Accepted)> ConnectRecordsAsync(CancellationToken cancellationToken)
    {
        (Socket dialled, Socket accepted) = await ConnectSocketsAsync(
            new IPEndPoint(IPAddress.Loopback, 0), ProtocolType.Tcp, cancellationToken);
        Task<Link> near = Link.ConnectTlsAsync(dialled, ClientTls(), cancellationToken).AsTask();
        Link far = await Link.AcceptTlsAsync(accepted, ServerTls(), cancellationToken);
        return (await near, far);
    }

    private static SslClientAuthenticationOptions ClientTls() => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = SslProtocols.Tls13,
        RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(Certificate.Value),
    };

    private static SslServerAuthenticationOptions ServerTls()
        => new() { ServerCertificate = Certificate.Value, EnabledSslProtocols = SslProtocols.Tls13 };

    private static async Task<(Socket Dialled, Socket Accepted)> ConnectSocketsAsync(
        EndPoint endPoint, ProtocolType protocol, CancellationToken cancellationToken)
    {
        using var listener = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        listener.Bind(endPoint);
        listener.Listen();
        var dialled = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        await dialled.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        return (dialled, await listener.AcceptAsync(cancellationToken));
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
