using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MuxPro.Buffers;
using static MuxPro.OptionRules;

namespace MuxPro;

/// <summary>Settings of a main connection. Immutable: change a copy with <c>with</c>.</summary>
public sealed record MuxOptions
{
    private static readonly ProtocolVersion[] AllVersions = [ProtocolVersion.Private, ProtocolVersion.V0_1, ProtocolVersion.V0_0];

    internal static MuxOptions Default { get; } = new();

    /// <summary>Versions that may be negotiated.</summary>
    /// <value>
    /// The default value is all three: the private one, MuxPro/0.1 and MuxPro/0.0. The order does not matter: the highest that both ends
    /// speak is chosen (SPEC 5).
    /// </value>
    public IReadOnlyList<ProtocolVersion> Versions
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Count == 0 || !value.All(AllVersions.Contains))
            {
                throw new ArgumentException($"Versions must name one or more of {string.Join(", ", AllVersions)}.", nameof(Versions));
            }

            field = [.. value.Distinct().OrderDescending()];
        }
    } = AllVersions;

    /// <summary>What a client speaks.</summary>
    /// <value>The default value is <see cref="MuxProtocols.MuxPro"/>; one of the two.</value>
    public MuxProtocols Protocol { get; init => field = One(value); } = MuxProtocols.MuxPro;

    /// <summary>What a server takes: a main connection says by its first frame what it is (SPEC 9).</summary>
    /// <value>The default value is <see cref="MuxProtocols.MuxPro"/>.</value>
    public MuxProtocols AcceptedProtocols { get; init => field = AtLeastOne(value); } = MuxProtocols.MuxPro;

    /// <summary>
    /// Mux.Cool, which has no credit: how many bytes a sub-connection may have received that its application has not read. Where it has
    /// more, the main connection receives nothing until it has read, or <see cref="MuxCoolGrace"/> is over.
    /// </summary>
    /// <value>The default value is 1 MiB; 16 KiB to 1 GiB.</value>
    public int MuxCoolBuffer { get; init => field = InRange(16 * 1024, 1 << 30, value); } = 1024 * 1024;

    /// <summary>
    /// Mux.Cool: how long a sub-connection whose <see cref="MuxCoolBuffer"/> is full may hold up its neighbours without having read a
    /// quarter of it; a tenth of the time that passes comes back to it. Then it is ended with 0004, and only it. Without neighbours a
    /// client waits for it, and a server, which cannot know who waits behind, sixty times as long.
    /// </summary>
    /// <value>The default value is 500 ms; more than zero.</value>
    public TimeSpan MuxCoolGrace { get; init => field = Positive(value); } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long the negotiation may take before the main connection is closed (SPEC 5).</summary>
    /// <value>The default value is 10 seconds.</value>
    public TimeSpan HandshakeTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>After how long without sending anything a KeepAlive is sent (SPEC 6.3.5).</summary>
    /// <value>The default value is 30 seconds; <see cref="Timeout.InfiniteTimeSpan"/> sends none.</value>
    public TimeSpan KeepAliveInterval { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the transport may take no byte while some wait, before the main connection is given up: the other end does not read.
    /// </summary>
    /// <value>The default value is 30 seconds. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</value>
    public TimeSpan WriteTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the other host may acknowledge nothing while something was sent to it, before the main connection is given up: the network
    /// is cut, or the host is gone. Known for TCP, and TLS over it, on Linux; elsewhere <see cref="WriteTimeout"/> serves alone.
    /// </summary>
    /// <value>
    /// The default value is 4 seconds; longer rides out longer gaps of a mobile network. <see cref="Timeout.InfiniteTimeSpan"/> leaves it
    /// to the kernel.
    /// </value>
    public TimeSpan SilenceTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// In <see cref="ProtocolVersion.Private"/>: how long an application may wait for the next byte of an answer after this end has sent
    /// its End (SPEC 6.3.4). That the other end lives is known by pings meanwhile.
    /// </summary>
    /// <value>The default value is one hour.</value>
    public TimeSpan LingerTimeout { get; init => field = Positive(value); } = TimeSpan.FromHours(1);

    /// <summary>
    /// The same in 0.0 and 0.1, where the other end may be a prototype, and in Mux.Cool; and in every version where nobody reads any more.
    /// In 0.0 and 0.1 also how long what is written may wait for credit after the other end's End, which grants no more.
    /// </summary>
    /// <value>The default value is 30 seconds.</value>
    public TimeSpan LingerTimeoutBefore { get; init => field = Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a server lets a dispatcher take to reach a target; later is End 0002.</summary>
    /// <value>The default value is 20 seconds.</value>
    public TimeSpan DispatchTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(20);

    /// <summary>How long a flow of datagrams that a server dispatched may idle in both directions before it ends.</summary>
    /// <value>The default value is 60 seconds.</value>
    public TimeSpan DatagramIdleTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(60);

    /// <summary>The highest priority that this server gives a sub-connection, whatever the client asks for: 0 lets it have any.</summary>
    /// <value>The default value is 0.</value>
    public byte HighestPriority { get; init; }

    /// <summary>
    /// Largest datagram that is sent and, in <see cref="ProtocolVersion.Private"/>, asked for; a larger one is dropped and counted.
    /// </summary>
    /// <value>The default value is 65,507 bytes, the most that UDP over IPv4 carries; 1 to 65,507.</value>
    public int MaxDatagram { get; init => field = InRange(1, DatagramLink.MaxDatagram, value); } = DatagramLink.MaxDatagram;

    /// <summary>
    /// Largest datagram that is sent in 0.0 and 0.1. The prototype, which may be the other end there, ends its main connection at more than
    /// 2,048 (SPEC 7.2).
    /// </summary>
    /// <value>The default value is 2,048 bytes; 1 to 65,507.</value>
    public int MaxDatagramBefore { get; init => field = InRange(1, DatagramLink.MaxDatagram, value); } = 2048;

    /// <summary>
    /// In <see cref="ProtocolVersion.Private"/>: after how long without anything from the other end it is asked for a sign of life (SPEC 8,
    /// Ping), while sub-connections are open.
    /// </summary>
    /// <value>The default value is 3 seconds; <see cref="Timeout.InfiniteTimeSpan"/> asks never.</value>
    public TimeSpan PingInterval { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a ping may go unanswered, with nothing else coming either, before the main connection is given up (SPEC 8).
    /// </summary>
    /// <value>The default value is 10 seconds.</value>
    public TimeSpan PingTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>Most bytes that an application may write ahead on one sub-connection before its flush waits.</summary>
    /// <value>The default value is 262,144 bytes; at least 1.</value>
    public int SendBuffer { get; init => field = Positive(value); } = 256 * 1024;

    /// <summary>Most payload bytes in one frame: how long one sub-connection may keep the others waiting per turn.</summary>
    /// <value>The default value is 65,528 bytes, which fill 64 KiB with their head; 1 to 65,535.</value>
    public int MaxFramePayload { get; init => field = InRange(1, ushort.MaxValue, value); } = Slab.LargePayload;

    /// <summary>
    /// Largest receive window of one sub-connection. Windows start at 65,536 bytes and grow while the application keeps up.
    /// </summary>
    /// <value>The default value is 16 MiB; at least 65,536 bytes.</value>
    public int MaxWindow { get; init => field = InRange(64 * 1024, 1 << 30, value); } = 16 * 1024 * 1024;

    /// <summary>
    /// First receive window of each sub-connection in <see cref="ProtocolVersion.Private"/> (SPEC 8, Limits); in 0.0 and 0.1 it is 65,536
    /// bytes. It counts against no budget: so many bytes may wait unread for each sub-connection that is open.
    /// </summary>
    /// <value>The default value is 65,536 bytes; 65,536 to 1 GiB.</value>
    public int InitialWindow { get; init => field = InRange(64 * 1024, 1 << 30, value); } = 64 * 1024;

    /// <summary>
    /// How many bytes the windows of all sub-connections of a main connection may grow together beyond their first 65,536. When it is
    /// spent, all get the same share.
    /// </summary>
    /// <value>The default value is 64 MiB; 0 keeps every window at 65,536 bytes.</value>
    public long WindowBudget { get; init => field = NotNegative(value); } = 64L * 1024 * 1024;

    /// <summary>
    /// How many bytes may wait to be read on a main connection, in all sub-connections together; a sub-connection that receives more is
    /// ended with 0004. What waits to be sent is bounded at 1 MiB, or at this where it is less: beyond it, large writes stay in their
    /// writers' memory, and small ones wait after 4 KiB instead of <see cref="SendBuffer"/>.
    /// </summary>
    /// <value>The default value is 256 MiB; at least 1 MiB.</value>
    public long MaxBuffered { get; init => field = AtLeast(1024 * 1024, value); } = 256L * 1024 * 1024;

    /// <summary>
    /// Most sub-connections that a server lets a client have open at once on a main connection; more are answered with End 0004.
    /// </summary>
    /// <value>The default value is 65,535, all ids; 1 to 65,535.</value>
    public int MaxSessions { get; init => field = InRange(1, ushort.MaxValue, value); } = ushort.MaxValue;

    /// <summary>Most targets that a server dials at once for a main connection; more are answered with End 0004.</summary>
    /// <value>The default value is 1,024; at least 1.</value>
    public int MaxPendingDispatches { get; init => field = Positive(value); } = 1024;

    /// <summary>
    /// Most sub-connections that a server lets a client open per second, with a burst of ten times as many; more end the main connection.
    /// </summary>
    /// <value>The default value is 100,000; at least 1.</value>
    public int OpensPerSecond { get; init => field = Positive(value); } = 100_000;

    /// <summary>
    /// Most sub-connections that the other end may reset per second, with a burst of ten times as many; more end the main connection.
    /// </summary>
    /// <value>The default value is 2,000; at least 1.</value>
    public int ResetsPerSecond { get; init => field = Positive(value); } = 2_000;

    /// <summary>
    /// Most frames per second that carry no payload and open or end nothing (KeepAlive, CreditUpdate, empty Keep, frames of unknown ids),
    /// with a burst of ten times as many; more end the main connection.
    /// </summary>
    /// <value>The default value is 200,000; at least 1.</value>
    public int ControlFramesPerSecond { get; init => field = Positive(value); } = 200_000;

    /// <summary>The clock of all timeouts.</summary>
    /// <value>The default value is <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Makes the loggers.</summary>
    /// <value>The default value logs nothing.</value>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Makes the meter "MuxPro".</summary>
    /// <value>The default value is <see langword="null"/>: one meter for the process.</value>
    public IMeterFactory? MeterFactory { get; init; }
}
