using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Settings of the port for applications.</summary>
internal sealed record InboundOptions
{
    public Users Users { get; init; } = Users.None;

    /// <summary>From accept until it is known where the connection wants to go.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a UDP association may idle in both directions before it ends.</summary>
    public TimeSpan DatagramTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most sockets at once; those for datagrams are taken from it here.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    /// <summary>Names flows of datagrams beyond one main connection.</summary>
    public FlowIds FlowIds { get; init; } = new();

    /// <summary>Has the reasons why targets are not reached, where the server is in this process.</summary>
    public TargetReasons? Reasons { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
