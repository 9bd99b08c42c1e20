using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>The TLS of a transport, as <c>tlsSettings</c> say. Safe to use from many threads.</summary>
internal sealed class Tls
{
    private readonly TlsConfiguration _settings;
    private readonly WatchedFile<KeyFile>[] _certificates;
    private readonly WatchedFile<X509Certificate2Collection>? _authorities;
    private readonly List<SslApplicationProtocol> _protocols;
    private readonly bool _isProtocolNeeded;

    /// <param name="settings">What the configuration says.</param>
    /// <param name="protocols">The protocols where the settings name none.</param>
    /// <param name="isProtocolNeeded">Whether the other end has to agree to one of the protocols, where there are any.</param>
    /// <param name="keys">Has the certificates that the settings name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what becomes of certificates that change.</param>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public Tls(TlsConfiguration settings, IReadOnlyList<string> protocols, bool isProtocolNeeded, KeyStore keys, TimeProvider time,
        ILogger logger)
    {
        _settings = settings;
        _certificates = [.. settings.Certificates.Select(files => keys.Watch(files, time, logger))];
        _authorities = settings.CaFile is null ? null : keys.WatchAuthorities(settings.CaFile, time, logger);
        _protocols = [.. (settings.Alpn ?? protocols).Select(static name => new SslApplicationProtocol(name))];
        _isProtocolNeeded = isProtocolNeeded && _protocols.Count > 0;
    }

    /// <summary>The key that is shown, or the first of them; <see langword="null"/> where none is.</summary>
    public Pin? Pin => _certificates.Length == 0 ? null : _certificates[0].Current.Pin;

    /// <summary>Looks at what was agreed on: an end that names no protocol at all fails no handshake (RFC 7301 3.1).</summary>
    /// <exception cref="AuthenticationException">It is another service.</exception>
    public void CheckProtocol(SslStream stream)
    {
        if (_isProtocolNeeded && !_protocols.Contains(stream.NegotiatedApplicationProtocol))
        {
            throw new AuthenticationException(TlsFailure.OtherProtocol);
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
            => !_settings.VerifyClientCertificate || IsTrusted(certificate, errors, _settings.Pins, null),
#pragma warning restore CA5359
    };

    /// <summary>What a client uses.</summary>
    /// <param name="host">The server's address, for where no name is configured.</param>
    /// <param name="pins">The keys of which the server must have one; empty to ask authorities.</param>
    /// <param name="seen">Gets the pin of the server.</param>
    public SslClientAuthenticationOptions ForClient(string host, IReadOnlyList<Pin> pins, Action<Pin> seen) => new()
    {
        TargetHost = _settings.ServerName ?? host,
        EnabledSslProtocols = Versions,
        ApplicationProtocols = _protocols,
        ClientCertificateContext = _certificates.Length == 0 ? null : _certificates[0].Current.Context,
        AllowTlsResume = _certificates.Length == 0,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => IsTrusted(certificate, errors, pins, seen),
    };

    private SslProtocols Versions => _settings.MinVersion == TlsVersion.Tls12 ? SslProtocols.Tls12 | SslProtocols.Tls13
        : SslProtocols.Tls13;

    private static bool IsTrusted(X509Certificate? certificate, SslPolicyErrors errors, IReadOnlyList<Pin> pins, Action<Pin>? seen)
    {
        if (certificate is null)
        {
            return false;
        }

        var pin = Pin.Of(certificate as X509Certificate2 ?? new X509Certificate2(certificate));
        seen?.Invoke(pin);
        return pins.Count > 0 ? pins.Contains(pin) : errors == SslPolicyErrors.None;
    }

    // A certificate of a stranger must not make this process fetch what it names.
    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (_authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(_authorities.Current);
        }

        return policy;
    }

    /// <summary>
    /// A name that is written out comes before one that only a wildcard has; a name that is none is that of the first certificate.
    /// </summary>
    private SslStreamCertificateContext Choose(string name)
    {
        WatchedFile<KeyFile>? chosen = _certificates.Length == 1 || Uri.CheckHostName(name) == UriHostNameType.Unknown ? null
            : Find(name, allowWildcards: false) ?? Find(name, allowWildcards: true);
        return (chosen ?? _certificates[0]).Current.Context;
    }

    private WatchedFile<KeyFile>? Find(string name, bool allowWildcards)
        => Array.Find(_certificates, files => files.Current.Certificate.MatchesHostname(name, allowWildcards));
}
