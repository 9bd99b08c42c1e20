using System.Net;
using System.Net.Sockets;
using static MuxPro.OptionRules;

namespace MuxPro;

/// <summary>Settings of a <see cref="DirectDispatcher"/>. Immutable: change a copy with <c>with</c>.</summary>
public sealed record DirectOptions
{
    /// <summary>How long name resolution and connecting may take together.</summary>
    /// <value>The default value is 10 seconds; more than zero.</value>
    public TimeSpan ConnectTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether targets may lie outside the public internet: loopback, private, link-local, multicast and other special addresses, also
    /// inside IPv6 forms that carry an IPv4 address. Names are judged by the addresses they resolve to, and only by those that are dialled.
    /// </summary>
    /// <value>
    /// The default value is <see langword="true"/>. A server for others than its operator should set <see langword="false"/>.
    /// </value>
    public bool AllowPrivate { get; init; } = true;

    /// <summary>The family of the addresses that names are resolved to; destinations that are addresses stay as they are.</summary>
    /// <value>The default value is <see langword="null"/>: both.</value>
    public AddressFamily? AddressFamily { get; init; }

    /// <summary>
    /// The address of this machine that connections and datagrams go out from; targets of the other family are not reached then.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: the system chooses. Not used where <see cref="Connect"/> is given.</value>
    public IPAddress? LocalAddress { get; init; }

    /// <summary>
    /// After how long without a byte, and how often then, the kernel of a TCP target is asked whether it is there (TCP keep-alive).
    /// </summary>
    /// <value>
    /// The default value is 15 seconds, less than routers keep idle connections; whole seconds count.
    /// <see cref="Timeout.InfiniteTimeSpan"/> asks never. Not used where <see cref="Connect"/> is given.
    /// </value>
    public TimeSpan TcpKeepAlive { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(15);

    /// <summary>The clock of the timeouts.</summary>
    /// <value>The default value is <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// Connects a stream socket to one address, for those who count or tune their sockets; the dispatcher owns the socket. A
    /// <see cref="SessionException"/> says with which code a destination is refused.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: a new TCP socket.</value>
    public Func<IPEndPoint, CancellationToken, Task<Socket>>? Connect { get; init; }

    /// <summary>
    /// Makes a UDP socket of an address family, not bound yet, for those who count or tune their sockets; the flow owns the socket, and
    /// makes one of IPv6 dual-mode. A <see cref="SessionException"/> says with which code a flow is refused.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: a new UDP socket.</value>
    public Func<System.Net.Sockets.AddressFamily, Socket>? CreateDatagramSocket { get; init; }
}
