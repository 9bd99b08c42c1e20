using System.Net;
using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// What the sub-connections of one main connection share: its settings, what was agreed with the other end, its budgets and its clock.
/// </summary>
/// <param name="options">Settings.</param>
/// <param name="time">Their clock, which does not throw.</param>
/// <param name="watch">Knows the round-trip time.</param>
/// <param name="isClient">Whether this end opens the sub-connections.</param>
/// <param name="remoteEndPoint">The address of the other end, where the transport has one.</param>
internal sealed class SessionContext(
    MuxOptions options, TimeProvider time, PeerWatch watch, bool isClient, EndPoint? remoteEndPoint)
{
    // More than a few batches ahead fills memory and the processor's cache, and sends nothing sooner.
    private const int CrowdedBytes = 4 * Buffers.SendBatch.MaxBytes;

    // Where many sessions wait to send, each may wait with little: larger writes stay where they are, and the send loop copies from there.
    private const int CrowdedSendBuffer = 4 * 1024;

    public MuxOptions Options => options;

    /// <summary>The clock. It does not throw.</summary>
    public TimeProvider Time => time;

    /// <summary>The main connection, as its sub-connections call it. Set before the first of them is made.</summary>
    public ISessionEngine Engine { get; set; } = null!;

    /// <summary>Whether this end opens the sub-connections.</summary>
    public bool IsClient => isClient;

    /// <summary>The address of the other end, where the transport has one.</summary>
    public EndPoint? RemoteEndPoint => remoteEndPoint;

    /// <summary>What is spoken. It is agreed on before the first sub-connection is opened.</summary>
    public Dialect Dialect { get; private set; }

    /// <summary>The version that was agreed on, 0.0 for Mux.Cool; <see langword="null"/> before.</summary>
    public ProtocolVersion? Version { get; private set; }

    /// <summary>What the other end takes (SPEC 8).</summary>
    public PeerLimits PeerLimits { get; set; } = new();

    /// <summary>What the windows may grow by, together.</summary>
    public WindowBudget WindowBudget { get; } = new(options.WindowBudget);

    /// <summary>What was received and not consumed.</summary>
    public BufferCount Unread { get; } = new(options.MaxBuffered);

    /// <summary>What was written and not sent.</summary>
    public BufferCount Unsent { get; } = new(Math.Min(options.MaxBuffered, CrowdedBytes));

    /// <summary>SPEC 9: whether the receive loop waits for an application to read.</summary>
    public bool IsStalled { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>Whether very much waits to be sent, in all sub-connections together.</summary>
    public bool IsCrowded => Unsent.IsOver;

    /// <summary>Most bytes that may wait to be sent in one sub-connection.</summary>
    public int SendBuffer => IsCrowded ? Math.Min(CrowdedSendBuffer, options.SendBuffer) : options.SendBuffer;

    /// <summary>A timestamp of the options' clock.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>The round-trip time in timestamps, or 0 while it is not known.</summary>
    public long RoundTripTicks => watch.RoundTrip;

    /// <summary>The round-trip time, or <see langword="null"/> while it is not known.</summary>
    public TimeSpan? RoundTripTime => RoundTripTicks is > 0 and var ticks ? time.GetElapsedTime(0, ticks) : null;

    /// <summary>Whether datagrams may have addresses of their own, and flows a GlobalID (SPEC 7.2).</summary>
    public bool IsFullCone => Dialect.IsFullCone;

    /// <summary>Most payload bytes of a frame that goes out.</summary>
    public int MaxFramePayload
        => Dialect == Dialect.MuxCool ? Math.Min(options.MaxFramePayload, FrameWriter.MaxCoolData) : options.MaxFramePayload;

    /// <summary>Largest datagram that is sent.</summary>
    public int MaxDatagram => Dialect switch
    {
        Dialect.MuxCool => Math.Min(FrameWriter.MaxCoolDatagram, options.MaxDatagramBefore),
        Dialect.Private => Math.Min(options.MaxDatagram, PeerLimits.MaxDatagram),
        _ => options.MaxDatagramBefore,
    };

    /// <summary>Both ends have agreed on what they speak.</summary>
    public void Agree(Dialect dialect, ProtocolVersion version) => (Dialect, Version) = (dialect, version);

    /// <summary>What the other end takes at first of a sub-connection (SPEC 6.3.6 and 8).</summary>
    public SendCredit NewSendCredit() => new(Dialect == Dialect.MuxCool ? SendCredit.Unlimited : PeerLimits.InitialWindow);

    /// <summary>What this end takes at first of a sub-connection (SPEC 6.3.6 and 8).</summary>
    /// <param name="reserve">So many bytes the other end can always send once all is consumed: the largest piece that cannot be
    /// split.</param>
    public ReceiveCredit NewReceiveCredit(int reserve)
    {
        if (Dialect == Dialect.MuxCool)
        {
            return new ReceiveCredit(WindowBudget);
        }

        int initial = Dialect == Dialect.Private ? options.InitialWindow : SendCredit.Initial;
        return new ReceiveCredit(Math.Max(options.MaxWindow, initial), WindowBudget, initial, reserve);
    }
}
