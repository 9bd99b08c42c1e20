#!/usr/bin/env bash
# One would have sworn: a server that checks clients by a certificate authority decides about a client's second connection as about its
#   first. Same client, same chain, same policy; that TLS resumed a session is a matter of speed.
# What happens: a client whose certificate was issued by an intermediate authority sends leaf and intermediate in the first handshake, and
#   is let in. Its next connection resumes the session from a ticket, which holds the leaf alone. SslStream calls the validation all the
#   same, but has no intermediate any more: the chain has one element, and the verdict is RemoteCertificateChainErrors. So a client can
#   connect once, and never again until it forgets the session. AllowTlsResume = false at the server keeps the verdict, as do
#   intermediates in the policy's ExtraStore.
# Version: .NET 10.0.12, OpenSSL 3.0 (Debian 12).
# Source: OpenSSL, ssl/ssl_asn1.c: a session is written with `peer`, one certificate, and without the chain; SSL_get_peer_cert_chain(3).
#   dotnet/runtime, SslStream.Protocol.cs, VerifyRemoteCertificate(), and CertificateValidationPal.Unix.cs, which fills ExtraStore from
#   that chain.
# Seen: below: verdict, elements of the chain, what the policy's ExtraStore was given.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

X509Certificate2 root = Issue(null, "root", true);
X509Certificate2 intermediate = Issue(root, "intermediate", true);
X509Certificate2 leaf = Issue(intermediate, "client", false);
var serverContext = SslStreamCertificateContext.Create(Issue(root, "server", false), null, offline: true);

foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
{
    foreach (string way in (string[])["resumed", "no resumption", "intermediate known"])
    {
        // A context of its own for each way, so that no session of another one is found.
        var client = SslStreamCertificateContext.Create(leaf, [X509CertificateLoader.LoadCertificate(intermediate.RawData)], offline: true);
        for (int connection = 1; connection <= 2; connection++)
        {
            Console.WriteLine($"{version}, {way}, {connection}={await ConnectAsync(client, version, way)}");
        }
    }
}

async Task<string> ConnectAsync(SslStreamCertificateContext clientContext, SslProtocols version, string way)
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    using var client = new TcpClient();
    client.Connect((IPEndPoint)listener.LocalEndpoint);
    using TcpClient accepted = listener.AcceptTcpClient();
    await using var server = new SslStream(accepted.GetStream());
    await using var stream = new SslStream(client.GetStream());
    string verdict = "not asked";
    var policy = new X509ChainPolicy
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { root },
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };
    if (way == "intermediate known")
    {
        policy.ExtraStore.Add(X509CertificateLoader.LoadCertificate(intermediate.RawData));
    }

    Task accepting = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
    {
        ServerCertificateContext = serverContext,
        ClientCertificateRequired = true,
        EnabledSslProtocols = version,
        AllowTlsResume = way != "no resumption",
        CertificateChainPolicy = policy,
        RemoteCertificateValidationCallback = (_, _, chain, errors) =>
        {
            verdict = $"{errors}, {chain!.ChainElements.Count} of 3, {chain.ChainPolicy.ExtraStore.Count} extra";
            return true;
        },
    });
    await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
    {
        TargetHost = $"{way.Replace(' ', '-')}.example",
        ClientCertificateContext = clientContext,
        EnabledSslProtocols = version,
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
    });
    await accepting;

    // The ticket of TLS 1.3 comes with the first bytes of the server.
    await server.WriteAsync(new byte[1]);
    await stream.ReadExactlyAsync(new byte[1]);
    return verdict;
}

static X509Certificate2 Issue(X509Certificate2 issuer, string name, bool authority)
{
    using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
    request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
    DateTimeOffset now = DateTimeOffset.UtcNow;
    if (issuer is null)
    {
        return request.CreateSelfSigned(now.AddDays(-2), now.AddDays(20));
    }

    using X509Certificate2 issued = request.Create(issuer, now.AddDays(-1), now.AddDays(10), RandomNumberGenerator.GetBytes(8));
    return X509CertificateLoader.LoadPkcs12(issued.CopyWithPrivateKey(key).Export(X509ContentType.Pfx), null);
}
EOF
program
timeout -s KILL 60 dotnet out/program.dll >seen
seen_of() { sed -n "s/^$1=//p" seen; }
for version in Tls12 Tls13; do
    expect "$version, first connection" "None, 3 of 3, 1 extra" "$(seen_of "$version, resumed, 1")"
    expect "$version, second connection, resumed" "RemoteCertificateChainErrors, 1 of 3, 0 extra" "$(seen_of "$version, resumed, 2")"
    expect "$version, second connection, AllowTlsResume = false" "None, 3 of 3, 1 extra" "$(seen_of "$version, no resumption, 2")"
    expect "$version, second connection, intermediate in ExtraStore" "None, 3 of 3, 1 extra" "$(seen_of "$version, intermediate known, 2")"
done
