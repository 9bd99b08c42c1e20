using System.ComponentModel;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Where connections go out.</summary>
internal sealed record OutboundConfiguration
{
    [Description("Its name, for 'outboundTag' of rules, for balancers and for the log. Each is used once.")]
    public string Tag { get; init; } = "";

    [Description("The address of this machine that connections go out from; left out, the system chooses.")]
    public System.Net.IPAddress? SendThrough { get; init; }

    [Description("What depends on 'protocol'.")]
    [FormBy("protocol")]
    public required OutboundSettings Settings { get; init; }

    [Description("How bytes go out.")]
    public StreamConfiguration StreamSettings { get; init; } = new();

    [Description("Another outbound that the connections and datagrams of this one go through.")]
    public ChainConfiguration? ProxySettings { get; init; }

    [Description("A multiplexer on top of this outbound: its connections become main connections.")]
    public MuxConfiguration Mux { get; init; } = new();
}

/// <summary>One outbound through another.</summary>
[NotServed("transportLayer", "nothing: 'streamSettings' always count on top of the outbound that is gone through")]
internal sealed record ChainConfiguration
{
    [Description("The tag of the outbound to go through.")]
    public required string Tag { get; init; }
}

/// <summary>A multiplexer on top of an outbound.</summary>
internal sealed record MuxConfiguration
{
    [Description("Whether connections share main connections; left out, those of protocol 'mux' do, and no others.")]
    public bool? Enabled { get; init; }

    [Description("Most sub-connections at once of a main connection; 0 means 8; with a negative number TCP goes without the multiplexer.")]
    [Range(-1, 65_535)]
    public int Concurrency { get; init; } = 8;

    [Description(
        "Most UDP flows at once of a main connection that carries nothing else; 0 has them share those of TCP; "
            + "with a negative number UDP goes without the multiplexer.")]
    [Range(-1, 65_535)]
    public int XudpConcurrency { get; init; }

    [Description("How many sub-connections a main connection carries in its life; 0 means no limit. Mux.Cool ends at 128.")]
    [Range(0, int.MaxValue)]
    public int MaxConnection { get; init; } = 128;

    [Description("Seconds after which a main connection takes no new sub-connection, less up to a tenth; 0 means never.")]
    [Range(0, int.MaxValue)]
    public int MaxAge { get; init; }

    [Description("Seconds after which a main connection without a sub-connection is closed, but for one spare; 0 keeps all.")]
    [Range(0, int.MaxValue)]
    public int MaxIdle { get; init; } = 60;

    [Description(
        "Bytes, both directions together, after which a main connection takes no new sub-connection, less up to a tenth: '500000', '64K', "
            + "'10M' or '2G'; '0' means no limit.")]
    public ByteSize MaxBytes { get; init; }

    [Description(
        "Which main connection with room gets a sub-connection: 'incremental' for the first one, "
            + "'leastLoaded' for the one that carries the fewest.")]
    public MuxPicker Picker { get; init; } = MuxPicker.Incremental;

    [Description("What is spoken: 'mux.pro', or 'mux.cool' to servers that are V2Ray or Xray.")]
    public MuxProtocolName Protocol { get; init; } = MuxProtocolName.MuxPro;

    [Description("Mux.Pro: the versions that are offered; the highest that both ends speak is chosen.")]
    public IReadOnlyList<MuxVersion> Versions { get; init; } = [MuxVersion.Private, MuxVersion.V0_1, MuxVersion.V0_0];

    [Description(
        "What becomes of UDP to port 443 (QUIC): 'reject' has browsers fall back to TCP, 'allow' carries it, "
            + "'skip' sends it without the multiplexer.")]
    public XudpProxyUdp443 XudpProxyUDP443 { get; init; } = XudpProxyUdp443.Allow;
}

/// <summary>Which main connection gets a sub-connection.</summary>
internal enum MuxPicker
{
    Incremental,

    [Alias("least-loaded")]
    LeastLoaded,
}

/// <summary>What becomes of UDP to port 443.</summary>
internal enum XudpProxyUdp443
{
    Allow,
    Reject,
    Skip,
}

/// <summary>The settings of an outbound, by its protocol.</summary>
[NotServed("vmess", "'mux' over TLS, whose keys say who it is")]
[NotServed("vless", "'mux' over TLS, whose keys say who it is")]
[NotServed("trojan", "'mux' over TLS, whose keys say who it is")]
[NotServed("shadowsocks", "'mux' over TLS, whose keys say who it is")]
[NotServed("dns", "names are looked up by the system's resolver")]
[NotServed("loopback", "rules by 'inboundTag'")]
[Form("direct", typeof(DirectOutboundSettings), Alias = "freedom")]
[Form("block", typeof(BlockOutboundSettings), Alias = "blackhole")]
[Form("mux", typeof(MuxOutboundSettings))]
[Form("socks", typeof(SocksOutboundSettings))]
[Form("http", typeof(HttpOutboundSettings))]
internal abstract record OutboundSettings;

/// <summary>Straight to the target.</summary>
[NotServed("userLevel", "the fields of 'limits'")]
[NotServed("timeout", "streams may idle")]
[NotServed("finalRules", "'routing.rules' and 'allowPrivate'")]
[NotServed("targetStrategy", "'domainStrategy'")]
internal sealed record DirectOutboundSettings : OutboundSettings
{
    [Description("How names are looked up: 'AsIs' and 'UseIP' take all addresses, 'UseIPv4' and 'UseIPv6' those of one family.")]
    public DomainStrategy DomainStrategy { get; init; } = DomainStrategy.AsIs;

    [Description("Everything goes here instead of to its target: 'host:port', ':port' to keep the host, 'host:0' to keep the port.")]
    public Redirect? Redirect { get; init; }

    [Description(
        "Whether targets may be loopback, link-local, private or multicast addresses. Where 'redirect' names a host, that one may be.")]
    public bool AllowPrivate { get; init; }
}

/// <summary>How names are looked up.</summary>
internal enum DomainStrategy
{
    AsIs,
    UseIP,
    UseIPv4,
    UseIPv6,
}

/// <summary>Nowhere.</summary>
internal sealed record BlockOutboundSettings : OutboundSettings
{
    [Description("What a connection is told before it is closed.")]
    public BlockResponse Response { get; init; } = new();
}

/// <summary>What a blocked connection is told.</summary>
internal sealed record BlockResponse
{
    [Description("'none', or 'http' for a 403 response.")]
    public BlockResponseType Type { get; init; } = BlockResponseType.None;
}

/// <summary>What a blocked connection is told.</summary>
internal enum BlockResponseType
{
    None,
    Http,
}

/// <summary>Over main connections to a server, or to several of which the first that answers is taken.</summary>
internal sealed record MuxOutboundSettings : OutboundSettings
{
    [Description("The servers, in the order in which they are tried. At least one.")]
    public IReadOnlyList<MuxServerConfiguration> Servers { get; init; } = [];
}

/// <summary>Through a SOCKS5 proxy.</summary>
internal sealed record SocksOutboundSettings : OutboundSettings
{
    [Description("The proxies, in the order in which they are tried. At least one.")]
    public IReadOnlyList<ProxyServerConfiguration> Servers { get; init; } = [];
}

/// <summary>Through an HTTP proxy, by CONNECT. It carries no UDP.</summary>
internal sealed record HttpOutboundSettings : OutboundSettings
{
    [Description("The proxies, in the order in which they are tried. At least one.")]
    public IReadOnlyList<ProxyServerConfiguration> Servers { get; init; } = [];
}

/// <summary>Where a server is.</summary>
[NotServed("level", "the fields of 'limits'")]
[NotServed("email", "nothing: an outbound has no users")]
internal record ServerConfiguration
{
    [Description("An address or a domain; a path where 'streamSettings.network' is 'unix'.")]
    public required string Address { get; init; }

    [Description("The port. Not used with 'unix'.")]
    [Range(1, 65_535)]
    public int? Port { get; init; }
}

/// <summary>Where a server of main connections is, and its key.</summary>
internal sealed record MuxServerConfiguration : ServerConfiguration
{
    [Description("The keys of which this server must have one; left out, those of 'tlsSettings.pins'.")]
    public IReadOnlyList<Pin> Pins { get; init; } = [];
}

/// <summary>Where a proxy is, and how to log in.</summary>
internal sealed record ProxyServerConfiguration : ServerConfiguration
{
    [Description("How to log in: empty, or one name and password.")]
    public IReadOnlyList<AccountConfiguration> Users { get; init; } = [];
}
