using System.ComponentModel;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Where connections come in.</summary>
[NotServed("sniffing", "rules by 'domain' see the names that applications ask for; SOCKS clients with remote name lookup send them")]
[NotServed("allocate", "a fixed 'port'")]
internal sealed record InboundConfiguration
{
    [Description("Its name, for 'inboundTag' of rules and for the log. Each is used once.")]
    public string Tag { get; init; } = "";

    [Description("The address to listen on; '0.0.0.0' for all of IPv4, '::' for all. A path where 'streamSettings.network' is 'unix'.")]
    public string Listen { get; init; } = "127.0.0.1";

    [Description("The port, as a number or a range 'a-b' (each of which is listened on). Not used with 'unix'.")]
    public PortRange? Port { get; init; }

    [Description("What depends on 'protocol'.")]
    [FormBy("protocol")]
    public required InboundSettings Settings { get; init; }

    [Description("How bytes come in.")]
    public StreamConfiguration StreamSettings { get; init; } = new();
}

/// <summary>The settings of an inbound, by its protocol.</summary>
[NotServed("vmess", "'mux' over TLS, with 'authorizedKeys'")]
[NotServed("vless", "'mux' over TLS, with 'authorizedKeys'")]
[NotServed("trojan", "'mux' over TLS, with 'authorizedKeys'")]
[NotServed("shadowsocks", "'mux' over TLS, with 'authorizedKeys'")]
[Form("socks", typeof(SocksInboundSettings))]
[Form("http", typeof(HttpInboundSettings))]
[Form("mixed", typeof(MixedInboundSettings))]
[Form("forward", typeof(ForwardInboundSettings), Alias = "dokodemo-door")]
[Form("mux", typeof(MuxInboundSettings))]
internal abstract record InboundSettings;

/// <summary>What inbounds for applications have in common.</summary>
[NotServed("userLevel", "the fields of 'limits'")]
[NotServed("timeout", "'limits.handshakeTimeout'")]
internal abstract record ProxyInboundSettings : InboundSettings
{
    [Description("Who may come in, by name and password. Empty lets everybody in.")]
    public IReadOnlyList<AccountConfiguration> Accounts { get; init; } = [];

    [Description(
        "Whether the targets 'mux.pro' and 'v1.mux.cool' make a connection a main connection, whose sub-connections are routed as those of "
            + "this inbound.")]
    public bool AllowMux { get; init; }

    [Description(
        "Whether those targets go the way that the rules say, as others do, for a server behind it to make them main connections. "
            + "Where neither is true, they are refused.")]
    public bool ForwardMux { get; init; }
}

/// <summary>SOCKS5.</summary>
internal sealed record SocksInboundSettings : ProxyInboundSettings
{
    [Description("'noauth', or 'password' to ask for one of 'accounts'. Where it is left out, accounts decide.")]
    public SocksAuth? Auth { get; init; }

    [Description("Whether UDP ASSOCIATE is served.")]
    public bool Udp { get; init; }

    [Description("The address that applications are told to send datagrams to; left out, the one that they reached this inbound at.")]
    public System.Net.IPAddress? Ip { get; init; }

    [Description(
        "Whether UDP ASSOCIATE is refused where it names an address that is not the application's. Otherwise the name means nothing: "
            + "datagrams come from the address of the connection anyway.")]
    public bool UdpStrict { get; init; }
}

/// <summary>How SOCKS5 applications log in.</summary>
internal enum SocksAuth
{
    Noauth,
    Password,
}

/// <summary>HTTP: CONNECT, and plain requests.</summary>
[NotServed("allowTransparent", "'forward' inbounds")]
internal sealed record HttpInboundSettings : ProxyInboundSettings;

/// <summary>SOCKS5 and HTTP on one port.</summary>
internal sealed record MixedInboundSettings : ProxyInboundSettings
{
    [Description("Whether SOCKS5's UDP ASSOCIATE is served.")]
    public bool Udp { get; init; }

    [Description("The address that applications are told to send datagrams to; left out, the one that they reached this inbound at.")]
    public System.Net.IPAddress? Ip { get; init; }

    [Description(
        "Whether UDP ASSOCIATE is refused where it names an address that is not the application's. Otherwise the name means nothing: "
            + "datagrams come from the address of the connection anyway.")]
    public bool UdpStrict { get; init; }
}

/// <summary>Name and password.</summary>
[NotServed("level", "the fields of 'limits'")]
[NotServed("email", "'user', which is the name in rules and in the log")]
internal sealed record AccountConfiguration
{
    [Description("The name, 1 to 255 bytes.")]
    public required string User { get; init; }

    [Description("The password, 1 to 255 bytes.")]
    public required string Pass { get; init; }
}

/// <summary>Everything goes to one target.</summary>
[NotServed("followRedirect", "an inbound for each target")]
[NotServed("userLevel", "the fields of 'limits'")]
[NotServed("timeout", "'limits.udpTimeout' for datagrams; streams may idle")]
internal sealed record ForwardInboundSettings : InboundSettings
{
    [Description("The target: an address or a domain. 'mux.pro' or 'v1.mux.cool' makes each connection a main connection.")]
    public required string Address { get; init; }

    [Description("The target's port; left out, the one that the connection came in at.")]
    [Range(1, 65_535)]
    public int? Port { get; init; }

    [Description("What is forwarded: 'tcp', 'udp' or 'tcp,udp'.")]
    public Networks Network { get; init; } = Networks.Tcp;
}

/// <summary>Main connections.</summary>
internal sealed record MuxInboundSettings : InboundSettings
{
    [Description(
        "The file of the keys that may come in, a line each as 'muxpro keys' prints it; needs TLS. It is read again when it changes.")]
    public string? AuthorizedKeys { get; init; }

    [Description("Whether everybody may come in. Needed where there are no 'authorizedKeys' and 'listen' is not loopback or a path.")]
    public bool AllowAnonymous { get; init; }

    [Description("Which protocols are spoken: 'mux.pro', 'mux.cool'. A connection says by its first frame which it is.")]
    public IReadOnlyList<MuxProtocolName> Protocols { get; init; } = [MuxProtocolName.MuxPro, MuxProtocolName.MuxCool];

    [Description("Mux.Pro: the versions that are spoken; the highest that both ends speak is chosen.")]
    public IReadOnlyList<MuxVersion> Versions { get; init; } = [MuxVersion.Private, MuxVersion.V0_1, MuxVersion.V0_0];

    [Description(
        "The highest priority (the lowest number) that sub-connections get, whatever they ask for, "
            + "where the line of their key says nothing else.")]
    [Range(0, 255)]
    public int HighestPriority { get; init; }
}

/// <summary>The protocols of main connections.</summary>
internal enum MuxProtocolName
{
    [Alias("mux.pro")]
    MuxPro,

    [Alias("mux.cool")]
    MuxCool,
}
