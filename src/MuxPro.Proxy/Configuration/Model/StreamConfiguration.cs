using System.ComponentModel;
using System.Security.Authentication;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>How bytes come in or go out.</summary>
[NotServed("kcpSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("httpSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("quicSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("grpcSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("tcpSettings", "nothing: bytes go as they are")]
[NotServed("rawSettings", "nothing: bytes go as they are")]
[NotServed("dsSettings", "the path as 'listen' of the inbound or as 'address' of the server")]
[NotServed("xhttpSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("httpupgradeSettings", "'tcp', 'ws' or 'unix'")]
[NotServed("realitySettings", "'security': 'tls'")]
[NotServed("xtlsSettings", "'security': 'tls'")]
internal sealed record StreamConfiguration
{
    [Description("'tcp', 'ws' (WebSocket) or 'unix' (a Unix domain socket).")]
    public TransportNetwork Network { get; init; } = TransportNetwork.Tcp;

    [Description("'none', or 'tls'.")]
    public TransportSecurity Security { get; init; } = TransportSecurity.None;

    [Description("For 'tls'.")]
    public TlsConfiguration TlsSettings { get; init; } = new();

    [Description("For 'ws'.")]
    public WebSocketConfiguration WsSettings { get; init; } = new();

    [Description("Options of the sockets.")]
    public SocketConfiguration Sockopt { get; init; } = new();
}

/// <summary>What carries the bytes.</summary>
internal enum TransportNetwork
{
    Tcp,

    [Alias("websocket")]
    Ws,

    [Alias("domainsocket")]
    Unix,
}

/// <summary>What keeps the bytes secret.</summary>
internal enum TransportSecurity
{
    None,
    Tls,
}

/// <summary>TLS.</summary>
[NotServed("allowInsecure", "'pins', which name the key of a server that no authority vouches for")]
[NotServed("disableSystemRoot", "'pins' or 'caFile'")]
[NotServed("cipherSuites", "'minVersion'")]
[NotServed("maxVersion", "nothing: the highest that both ends speak is taken")]
[NotServed("fingerprint", "nothing: TLS is that of the system")]
[NotServed("enableSessionResumption", "nothing: sessions are resumed where nobody shows a key")]
[NotServed("rejectUnknownSni", "nothing: the first certificate is shown to those who ask by another name")]
[NotServed("pinnedPeerCertificateChainSha256", "'pins'")]
[NotServed("pinnedPeerCertSha256", "'pins'")]
[NotServed("verifyPeerCertByName", "'serverName'")]
internal sealed record TlsConfiguration
{
    [Description("The name that the server's certificate must have, and that it is asked by; left out, the server's address.")]
    public string? ServerName { get; init; }

    [Description(
        "The protocols that are offered or taken, in order of preference; left out, 'muxpro' for Mux.Pro over 'tcp' and 'unix' (an inbound "
            + "for main connections takes 'http/1.1' too), and 'http/1.1' otherwise.")]
    public IReadOnlyList<string>? Alpn { get; init; }

    [Description("The lowest version: '1.2' or '1.3'.")]
    public TlsVersion MinVersion { get; init; } = TlsVersion.Tls13;

    [Description(
        "An inbound's certificates, chosen by the name that it is asked by, the first one otherwise; of an outbound the one that it shows. "
            + "Files are read again when they change.")]
    public IReadOnlyList<CertificateConfiguration> Certificates { get; init; } = [];

    [Description(
        "The keys of which the other end must have one, as 'muxpro keys' prints them: 'sha256:' and 64 hexadecimal digits. "
            + "Then no authority is asked.")]
    public IReadOnlyList<Pin> Pins { get; init; } = [];

    [Description("The authorities that vouch for the other end: a PEM file, read again when it changes. Left out, the system's.")]
    public string? CaFile { get; init; }

    [Description("Whether clients of an inbound must show a certificate, of 'caFile' or with one of 'pins'.")]
    public bool VerifyClientCertificate { get; init; }
}

/// <summary>Versions of TLS.</summary>
internal enum TlsVersion
{
    [Alias("1.2")]
    Tls12 = SslProtocols.Tls12,

    [Alias("1.3")]
    Tls13 = SslProtocols.Tls13,
}

/// <summary>A certificate and its key.</summary>
[NotServed("usage", "'caFile' for authorities; a certificate here is one that is shown")]
[NotServed("certificate", "'certificateFile'")]
[NotServed("key", "'keyFile'")]
[NotServed("ocspStapling", "nothing")]
[NotServed("oneTimeLoading", "nothing: files are read again when they change")]
[NotServed("buildChain", "the authorities' certificates behind the own one in 'certificateFile'")]
internal sealed record CertificateConfiguration
{
    [Description("The PEM file of the certificate, followed by those of its authorities. It may have the key too.")]
    public required string CertificateFile { get; init; }

    [Description("The PEM file of the key; left out, the certificate's file has it.")]
    public string? KeyFile { get; init; }
}

/// <summary>WebSocket.</summary>
[NotServed("acceptProxyProtocol", "a proxy that passes connections on as they are")]
[NotServed("maxEarlyData", "nothing: data follows the upgrade")]
[NotServed("earlyDataHeaderName", "nothing: data follows the upgrade")]
[NotServed("heartbeatPeriod", "'sockopt.tcpKeepAliveIdle'")]
[NotServed("useBrowserForwarding", "nothing")]
internal sealed record WebSocketConfiguration
{
    [Description("The path that is asked for.")]
    public string Path { get; init; } = "/";

    [Description(
        "The Host header of an outbound; left out, the server name or address. An inbound takes requests for this host alone where it is "
            + "given.")]
    public string? Host { get; init; }

    [Description("Headers that an outbound adds.")]
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}

/// <summary>Options of sockets.</summary>
[NotServed("mark", "rules of the system's firewall")]
[NotServed("tcpFastOpen", "nothing: main connections last")]
[NotServed("tproxy", "'forward' inbounds")]
[NotServed("domainStrategy", "'settings.domainStrategy' of a 'direct' outbound")]
[NotServed("dialerProxy", "'proxySettings' of the outbound")]
[NotServed("interface", "'sendThrough' of the outbound")]
[NotServed("tcpCongestion", "the system's default")]
[NotServed("tcpMptcp", "nothing")]
internal sealed record SocketConfiguration
{
    [Description(
        "Seconds without a byte after which the other end's kernel is asked whether it is there; 0 leaves it to the system, "
            + "a negative number never asks.")]
    [Range(-1, 32_767)]
    public int TcpKeepAliveIdle { get; init; } = 15;

    [Description("Seconds between such questions; 0 leaves it to the system.")]
    [Range(0, 32_767)]
    public int TcpKeepAliveInterval { get; init; } = 15;

    [Description(
        "Milliseconds that sent bytes may wait for their acknowledgement before the connection fails; 0 leaves it to the system. Linux.")]
    [Range(0, 86_400_000)]
    public int TcpUserTimeout { get; init; }
}
