using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MuxPro.Proxy.Security;

/// <summary>The TLS of main connections: version 1.3, own protocol name, no resumption (each connection shows its key).</summary>
internal static class MuxTls
{
    public static SslApplicationProtocol Protocol { get; } = new("muxpro");

    /// <summary>What is wrong with a peer of another protocol, or of none.</summary>
    public const string OtherProtocol = "it speaks TLS, but not Mux.Pro (ALPN 'muxpro')";

    /// <summary>Why a TLS handshake failed, in words: without a full stop, and without what only the runtime's authors know.</summary>
    public static string Explain(Exception exception, bool isServer)
    {
        string all = exception.ToString();
        bool Says(string text) => all.Contains(text, StringComparison.OrdinalIgnoreCase);
        if (exception.Message == OtherProtocol || Says("application protocol") || Says("application_protocol"))
        {
            return OtherProtocol;
        }

        if (Says("protocol version") || Says("unsupported protocol"))
        {
            return "it does not speak TLS 1.3";
        }

        bool isReset = exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionReset };
        if (isReset || Says("frame size") || Says("wrong version number") || Says("unexpected EOF") || Says("http request"))
        {
            return isServer
                ? "it does not speak TLS, or broke off the handshake (a client without TLS?)"
                : "it does not answer in TLS (a server without TLS, or another service?)";
        }

        string reason = exception is AuthenticationException && exception.InnerException is { } inner ? inner.Message : exception.Message;
        return reason.ReplaceLineEndings(" ").TrimEnd('.');
    }

    public static SslServerAuthenticationOptions ForServer(KeyFile key, bool requireClientKey) => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(key.Certificate, key.Chain, offline: true),
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = [Protocol],
        AllowTlsResume = false,
        ClientCertificateRequired = requireClientKey,
        CertificateChainPolicy = OfflinePolicy(),

        // Who it is, and whether a key was shown at all, is decided after the handshake, by the pin; that the peer has the key, TLS has proven.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
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
