using System.Net.Security;

namespace MuxPro.AspNetCore;

/// <summary>Names that both ends have to agree on.</summary>
public static class MuxProDefaults
{
    /// <summary>The name of the protocol in TLS (ALPN), <c>muxpro</c>, and as a subprotocol of WebSockets.</summary>
    public const string Protocol = "muxpro";

    /// <summary><see cref="Protocol"/> for TLS.</summary>
    public static SslApplicationProtocol ApplicationProtocol { get; } = new(Protocol);
}
