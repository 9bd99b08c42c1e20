using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Transports;

/// <summary>The TLS of a transport, as <c>tlsSettings</c> say. Safe to use from many threads.</summary>
internal sealed class Tls
{
    private readonly TlsConfiguration _settings;
    private readonly ReloadedFiles<SslStreamCertificateContext>[] _certificates;
    private readonly ReloadedFiles<X509Certificate2Collection>? _authorities;
    private readonly List<SslApplicationProtocol> _protocols;
    private readonly bool _isProtocolNeeded;

    /// <param name="settings">What the configuration says.</param>
    /// <param name="protocols">The protocols where the settings name none.</param>
    /// <param name="isProtocolNeeded">Whether the other end has to agree to one of the protocols, where there are any.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what becomes of certificates that change.</param>
    /// <exception cref="Cli.ConfigurationException">A file cannot be used.</exception>
    public Tls(TlsConfiguration settings, IReadOnlyList<string> protocols, bool isProtocolNeeded, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _certificates = [.. settings.Certificates.Select(files => CertificateFiles.Watch(files, time, logger))];
        _authorities = settings.CaFile is null ? null : CertificateFiles.WatchAuthorities(settings.CaFile, time, logger);
        _protocols = [.. (settings.Alpn ?? protocols).Select(static name => new SslApplicationProtocol(name))];
        _isProtocolNeeded = isProtocolNeeded && _protocols.Count > 0;
    }

    /// <summary>Looks at what was agreed on: an end that names no protocol at all fails no handshake (RFC 7301 3.1).</summary>
    /// <exception cref="AuthenticationException">It is another service.</exception>
    public void CheckProtocol(SslStream stream)
    {
        if (_isProtocolNeeded && !_protocols.Contains(stream.NegotiatedApplicationProtocol))
        {
            throw new AuthenticationException(MuxTls.OtherProtocol);
        }
    }

    /// <summary>What a server uses for a client that asks for a name.</summary>
    /// <param name="name">The name, or empty.</param>
    /// <param name="asksForKey">Whether the client's key says who it is, which is decided after the handshake.</param>
    public SslServerAuthenticationOptions ForServer(string name, bool asksForKey) => new()
    {
        ServerCertificateContext = Choose(name),
        EnabledSslProtocols = Versions,
        ApplicationProtocols = _protocols,
        AllowTlsResume = !asksForKey && !_settings.VerifyClientCertificate,
        ClientCertificateRequired = asksForKey || _settings.VerifyClientCertificate,
        CertificateChainPolicy = Policy(),

        // Who comes with a key that is looked up needs no authority: that it has the key, TLS has proven.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = (_, certificate, _, errors)
            => !_settings.VerifyClientCertificate || IsTrusted(certificate, errors, null),
#pragma warning restore CA5359
    };

    /// <summary>What a client uses.</summary>
    /// <param name="host">The server's address, for where no name is configured.</param>
    /// <param name="seen">Gets the pin of the server.</param>
    public SslClientAuthenticationOptions ForClient(string host, Action<Pin> seen) => new()
    {
        TargetHost = _settings.ServerName ?? host,
        EnabledSslProtocols = Versions,
        ApplicationProtocols = _protocols,
        ClientCertificateContext = _certificates.Length == 0 ? null : _certificates[0].Content,
        AllowTlsResume = _certificates.Length == 0,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate, errors, seen),
    };

    private SslProtocols Versions => _settings.MinVersion == TlsVersion.Tls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13;

    private bool IsTrusted(X509Certificate? certificate, SslPolicyErrors errors, Action<Pin>? seen)
    {
        if (certificate is null)
        {
            return false;
        }

        var pin = Pin.Of(certificate as X509Certificate2 ?? new X509Certificate2(certificate));
        seen?.Invoke(pin);
        return _settings.Pins.Count > 0 ? _settings.Pins.Contains(pin) : errors == SslPolicyErrors.None;
    }

    // A certificate of a stranger must not make this process fetch what it names.
    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (_authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(_authorities.Content);
        }

        return policy;
    }

    /// <summary>A name that is written out comes before one that only a wildcard has; a name that is none is that of the first certificate.</summary>
    private SslStreamCertificateContext Choose(string name)
    {
        ReloadedFiles<SslStreamCertificateContext>? chosen = _certificates.Length == 1 || Uri.CheckHostName(name) == UriHostNameType.Unknown ? null
            : Find(name, allowWildcards: false) ?? Find(name, allowWildcards: true);
        return (chosen ?? _certificates[0]).Content;
    }

    private ReloadedFiles<SslStreamCertificateContext>? Find(string name, bool allowWildcards)
        => Array.Find(_certificates, files => files.Content.TargetCertificate.MatchesHostname(name, allowWildcards));
}
