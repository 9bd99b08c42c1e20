using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MuxPro.Proxy.Security;

/// <summary>The TLS of main connections: version 1.3, own protocol name, no resumption (each connection shows its key).</summary>
internal static class MuxTls
{
    public static SslApplicationProtocol Protocol { get; } = new("muxpro");

    public static SslServerAuthenticationOptions ForServer(KeyFile key, bool requireClientKey) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(key.Certificate, key.Chain, offline: true),
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [Protocol],
        AllowTlsResume = false,
        ClientCertificateRequired = requireClientKey,
        CertificateChainPolicy = OfflinePolicy(),

        // Who it is, is decided after the handshake, by the pin; that the peer has the key, TLS has proven.
        RemoteCertificateValidationCallback = (_, certificate, _, _) => !requireClientKey || certificate is not null,
    };

    /// <param name="host">The server's name as the user gave it.</param>
    /// <param name="key">The key that the client shows, if it has one.</param>
    /// <param name="pin">The server's key, or <see langword="null"/> to ask the system's authorities.</param>
    /// <param name="seen">Gets the pin of a server that is not the expected one.</param>
    public static SslClientAuthenticationOptions ForClient(string host, KeyFile? key, Pin? pin, Action<Pin> seen)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [Protocol],
            AllowTlsResume = false,
        };
        if (key is not null)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(key.Certificate, key.Chain, offline: true);
        }

        if (pin is not null)
        {
            options.CertificateChainPolicy = OfflinePolicy();
            options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                if (certificate is null)
                {
                    return false;
                }

                Pin actual = Pin.Of(certificate as X509Certificate2 ?? new X509Certificate2(certificate));
                seen(actual);
                return actual == pin;
            };
        }

        return options;
    }

    // A certificate of a stranger must not make this process fetch what it names.
    private static X509ChainPolicy OfflinePolicy() => new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
}
