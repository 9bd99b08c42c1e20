using System.Net;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Settings of the port for applications.</summary>
internal sealed record InboundOptions
{
    /// <summary>The inbound's name, for rules and for the log.</summary>
    public string Tag { get; init; } = "";

    public InboundProtocols Speaks { get; init; } = InboundProtocols.Socks | InboundProtocols.Http;

    /// <summary>Whether UDP ASSOCIATE is served.</summary>
    public bool CarriesDatagrams { get; init; } = true;

    /// <summary>
    /// Where applications are told to send datagrams to, or <see langword="null"/> for the address that they reached us at.
    /// </summary>
    public IPAddress? AssociationAddress { get; init; }

    /// <summary>Whether an application that says where it will send datagrams from must say its own address.</summary>
    public bool IsStrictAboutSource { get; init; }

    public SpecialAddresses SpecialAddresses { get; init; }

    /// <summary>Those that came in by a special address.</summary>
    public MainConnections? MainConnections { get; init; }

    public Users Users { get; init; } = Users.None;

    /// <summary>From accept until it is known where the connection wants to go.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one side of a tunnel may be silent when the other has ended.</summary>
    public TimeSpan HalfCloseTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a UDP association may idle in both directions before it ends.</summary>
    public TimeSpan DatagramTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most sockets at once; those for datagrams are taken from it here.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;

    /// <summary>Names flows of datagrams beyond one main connection.</summary>
    public FlowIds FlowIds { get; init; } = new();

    /// <summary>Says that connections which idle between two requests end, and others after the answer.</summary>
    public CancellationToken Retiring { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>What is spoken on a port for applications.</summary>
[Flags]
internal enum InboundProtocols
{
    Socks = 1,
    Http = 2,
}

/// <summary>What becomes of connections to <c>mux.pro</c> and <c>v1.mux.cool</c> (SPEC 7.1).</summary>
internal enum SpecialAddresses
{
    /// <summary>They are destinations as others: the next server's.</summary>
    Forwarded,

    /// <summary>They are refused.</summary>
    Refused,

    /// <summary>They become main connections.</summary>
    Served,
}
