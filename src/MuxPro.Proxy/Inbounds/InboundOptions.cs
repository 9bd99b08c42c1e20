using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Settings of the port for applications.</summary>
internal sealed record InboundOptions
{
    public Users Users { get; init; } = Users.None;

    /// <summary>From accept until it is known where the connection wants to go.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Has the reasons why targets are not reached, where the server is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
