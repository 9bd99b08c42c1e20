using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>What outbounds have in common.</summary>
internal sealed record OutboundContext
{
    public required TimeProvider TimeProvider { get; init; }

    public required ILoggerFactory LoggerFactory { get; init; }

    /// <summary>Most sockets at once.</summary>
    public required SocketBudget Sockets { get; init; }

    /// <summary>How long connecting may take, looking a name up included.</summary>
    public required TimeSpan ConnectTimeout { get; init; }

    /// <summary>Has the certificates that outbounds name.</summary>
    public required KeyStore Keys { get; init; }

    /// <summary>Settings of main connections.</summary>
    public required MuxOptions MuxOptions { get; init; }

    /// <summary>How an outbound's own sockets go out.</summary>
    public DirectOptions DirectOptionsOf(OutboundConfiguration outbound) => new()
    {
        LocalAddress = outbound.SendThrough,
        ConnectTimeout = ConnectTimeout,
        Connect = (target, cancellationToken) => CountedSocket.ConnectAsync(
            target, Sockets, outbound.SendThrough, outbound.StreamSettings.Sockopt, cancellationToken),
        CreateDatagramSocket = family => CountedSocket.ForDatagrams(family, Sockets),
        TimeProvider = TimeProvider,
    };
}
