using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using MuxPro.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <summary>
/// The datagrams that a session receives: the receive loop puts them in whole, the application takes them out one by one.
/// </summary>
/// <remarks>
/// They lie one after the other in a <see cref="SlabQueue"/>, so that many small ones cost little more than their bytes:
/// <code>
/// | length (2) | length of the address (2), 0 for the session's own | port (2) | type (1) | address | datagram |
/// </code>
/// </remarks>
internal sealed partial class DatagramInput(Session session, ulong globalId)
    : ISessionReceiver, IValueTaskSource<Datagram?>, IThreadPoolWorkItem
{
    private const int HeadLength = 4;

    // What waits may be so many times the window: addresses and heads cost no credit, and empty datagrams nothing at all.
    private const int MostWindows = 2;

    private static readonly Action<object?, CancellationToken> OnCancelled =
        static (state, token) => ((DatagramInput)state!).CancelWait(token);

    // Guarded by the session's lock.
    private SlabQueue _bytes;
    private RecentAddresses? _addresses;
    private Exception? _error;
    private bool _ended;
    private bool _completed;
    private SessionWait _wait;

    private bool _hasAddress; // the receive loop's: whether the payload that comes starts with an address

    /// <summary>The flow's GlobalID, or 0.</summary>
    public ulong GlobalId => globalId;

    /// <summary>Datagrams that found no room.</summary>
    public long Dropped { get; private set; }

    public bool HasUnread
    {
        get
        {
            lock (session.Sync)
            {
                return !_bytes.IsEmpty;
            }
        }
    }

    public bool IsCompleted
    {
        get
        {
            lock (session.Sync)
            {
                return _completed;
            }
        }
    }

    public long Unread => 0;

    public bool IsAnswerRead => false;

    public bool IsWhole => true;

    public SessionViolation? Expect(in Frame frame)
    {
        // SPEC 7.2: 0.0 does not know bit 02, and a New has no place for a second address.
        _hasAddress = frame.Type == FrameType.Keep && session.Context.IsFullCone && (frame.Options & FrameOptions.UdpAddress) != 0;
        return null;
    }

    public bool Receive(Slab slab, int start, int count, out SessionViolation? violation)
        => Receive(slab.Array.AsSpan(start, count), out violation);

    private bool Receive(ReadOnlySpan<byte> payload, out SessionViolation? violation)
    {
        violation = null;
        bool grant;
        bool dropped;
        lock (session.Sync)
        {
            ReadOnlySpan<byte> address = default;
            if (_hasAddress)
            {
                _addresses ??= DestinationCodec.NewRecentAddresses();
                if (!DatagramAddress.TrySplit(payload, globalId != 0, _addresses, out address, out int length, out FrameError fault))
                {
                    violation = new SessionViolation(ErrorCode.ProtocolError, fault.ToString());
                    return false;
                }

                // SPEC 6.3.6: "the address prefix costs nothing".
                payload = payload[length..];
            }

            if (!session.Incoming.TryReceive(payload.Length))
            {
                violation = SessionViolation.OverCredit;
                return false;
            }

            int record = HeadLength + address.Length + payload.Length;
            bool hasRoom = _bytes.Length + record <= MostWindows * (long)session.Incoming.Window && !session.Context.Unread.IsOver;
            if (hasRoom && !_completed && !_ended)
            {
                Append(address, payload);
                session.Context.Unread.Add(record);
                return _wait.Stop();
            }

            dropped = !hasRoom;
            Dropped += hasRoom ? 0 : 1;
            grant = session.Consume(payload.Length);
        }

        if (dropped)
        {
            session.Context.Engine.OnDropped(isSent: false);
        }

        session.Announce(grant);
        return false;
    }

    public bool End(Exception? error, bool drop = false)
    {
        lock (session.Sync)
        {
            if (drop)
            {
                DropBytes();
            }

            if (_ended && !drop)
            {
                return false;
            }

            _ended = true;
            _error ??= error;
            session.Incoming.Stop();
            return _wait.Stop();
        }
    }

    public void Wake() => SessionWait.Wake(this);

    public void Run() => _wait.Complete();

    void IThreadPoolWorkItem.Execute() => _wait.Complete();

    private void Append(ReadOnlySpan<byte> address, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)payload.Length);
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)address.Length);
        _bytes.AppendCopy(head);
        _bytes.AppendCopy(address);
        _bytes.AppendCopy(payload);
    }

    private void DropBytes()
    {
        session.Context.Unread.Add(-_bytes.Length);
        _bytes.Clear();
    }

    private void CancelWait(CancellationToken token)
    {
        lock (session.Sync)
        {
            _wait.Cancel(token);
            if (!_wait.Stop())
            {
                return;
            }
        }

        Wake();
    }
}
