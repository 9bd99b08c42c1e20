using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Settings of the port for main connections.</summary>
internal sealed record MuxInboundOptions
{
    /// <summary>The inbound's name, for rules and for the log.</summary>
    public string Tag { get; init; } = "";

    /// <summary>Gets a line for each sub-connection that ended.</summary>
    public AccessLog? AccessLog { get; init; }

    /// <summary>The server's key, or <see langword="null"/> for no TLS.</summary>
    public KeyFile? Key { get; init; }

    /// <summary>Who may come, or <see langword="null"/> for everybody.</summary>
    public AuthorizedKeys? Authorized { get; init; }

    /// <summary>Gets the reasons why targets are not reached, where the client is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    /// <summary>Most connections of one address in their TLS handshake.</summary>
    public int MaxHandshakesPerAddress { get; init; } = int.MaxValue;

    public MuxOptions MuxOptions { get; init; } = new();

    /// <summary>Has the flows of datagrams of all main connections, so that one that is replaced loses none.</summary>
    public FlowTable Flows { get; init; } = new();
}
