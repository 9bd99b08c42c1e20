using MuxPro.Buffers;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <content>Flows of datagrams (SPEC 7.2): one frame is one datagram, in both directions.</content>
internal sealed partial class MainConnection
{
    // A datagram that arrives in pieces is put together here; the receive loop's own.
    private Slab? _datagram;
    private int _datagramLength;
    private bool _datagramHasAddress;

    // Flows that are complete but for datagrams that wait for credit. Guarded by _gate.
    private readonly List<Session> _waitingToEnd = [];

    /// <summary>Whether datagrams may have addresses of their own (SPEC 7.2).</summary>
    public bool IsFullCone => _version >= ProtocolVersion.V0_1;

    /// <summary>Largest datagram that is sent.</summary>
    public int MaxDatagram => IsMuxCool ? Math.Min(FrameWriter.MaxCoolDatagram, Options.MaxDatagramBefore)
        : _isPrivate ? Math.Min(Options.MaxDatagram, PeerLimits.MaxDatagram) : Options.MaxDatagramBefore;

    /// <summary>Opens a flow of datagrams.</summary>
    /// <inheritdoc cref="Open(Destination, byte)"/>
    public DatagramSession OpenDatagrams(Destination destination, DatagramOptions options)
    {
        // SPEC 7.2: "In 0.0 all datagrams go to and come from the target of New", and there is no GlobalID.
        Session session = Open(destination, options.Priority, IsFullCone ? options.GlobalId : 0);
        return session.AsDatagrams();
    }

    /// <summary>A datagram found no room. Call it without a lock: those who measure listen at once.</summary>
    public void OnDropped(bool isSent) => _metrics.DatagramDropped(isSent);

    /// <summary>The head of a frame with a datagram was read; its payload follows.</summary>
    private bool OnDatagramHead(Session session, in Frame frame, long now)
    {
        _payloadSession = session;
        _datagramLength = 0;

        // SPEC 7.2: 0.0 does not know bit 02.
        _datagramHasAddress = frame.Type == FrameType.Keep && IsFullCone && (frame.Options & FrameOptions.UdpAddress) != 0;

        // SPEC 6.3.3: "an empty datagram on UDP".
        return !frame.HasData || frame.DataLength > 0 || OnDatagram([], now);
    }

    private bool OnDatagramPart(ReadOnlySpan<byte> part, long now)
    {
        bool isLast = part.Length == _payloadLeft;
        if (isLast && _datagramLength == 0)
        {
            return OnDatagram(part, now);
        }

        _datagram ??= Slab.Rent(Slab.Large);
        part.CopyTo(_datagram.Array.AsSpan(_datagramLength));
        _datagramLength += part.Length;
        if (!isLast)
        {
            return true;
        }

        bool goesOn = OnDatagram(_datagram.Array.AsSpan(0, _datagramLength), now);
        ReleaseDatagram();
        return goesOn;
    }

    private bool OnDatagram(ReadOnlySpan<byte> payload, long now)
    {
        Session session = _payloadSession!;
        session.LastReceived = now;
        var input = (DatagramInput)session.Receiver;
        if (input.Receive(payload, _datagramHasAddress, out bool wake) is { } violation)
        {
            AbortByProtocol(session, violation);
            return SpendReset(now);
        }

        if (wake)
        {
            _readers.Add(session);
        }

        return true;
    }

    /// <summary>A flow whose application is done comes to its End, also when the other end grants nothing for what still waits.</summary>
    private void CheckDatagrams()
    {
        int dropped = 0;
        lock (_gate)
        {
            if (_waitingToEnd.Count == 0)
            {
                return;
            }

            for (int i = _waitingToEnd.Count - 1; i >= 0; i--)
            {
                Session session = _waitingToEnd[i];
                if (!session.EndSent && !session.IsAborted)
                {
                    bool isEmpty = ((DatagramOutput)session.Sender).TryGiveUp(out int given);
                    dropped += given;
                    if (!isEmpty)
                    {
                        continue;
                    }
                }

                _waitingToEnd.RemoveAt(i);
                EnqueueDataLocked(session);
            }
        }

        for (; dropped > 0; dropped--)
        {
            OnDropped(isSent: true);
        }

        _sendSignal.Set();
    }

    private void ReleaseDatagram()
    {
        _datagram?.Release();
        _datagram = null;
        _datagramLength = 0;
    }

    // ---- cut, under the gate ----------------------------------------------------------------------------------------------

    private void WriteDatagrams(Session session, DatagramOutput output)
    {
        int turn = Options.MaxFramePayload;
        bool isEmpty = false;
        while (!isEmpty && turn > 0 && _batch.HasRoom)
        {
            if (!output.TryPeek(out int prefix, out int data))
            {
                isEmpty = true;
                break;
            }

            // SPEC 7.2: sent whole, or not at all.
            if (data > session.Credit.Available)
            {
                output.WaitForCredit();
                if (session.CompleteRequested && !_waitingToEnd.Contains(session))
                {
                    _waitingToEnd.Add(session);
                }

                return;
            }

            session.Credit.Take(data);
            FrameWriter.WriteKeep(_batch, session.Id, prefix > 0 ? FrameOptions.Data | FrameOptions.UdpAddress : FrameOptions.Data, prefix + data);
            output.MoveTo(_batch, out isEmpty);
            turn -= prefix + data + Slab.Headroom;
        }

        AfterData(session, isEmpty);
    }

    private void WriteNew(Session session, DatagramOutput output)
    {
        // The first datagram goes with the New if it goes to the New's target: there is no place for another address.
        if (!output.TryPeek(out int prefix, out int data) || prefix > 0 || data > FirstPayload || data > session.Credit.Available)
        {
            WriteNewHead(session, output.GlobalId);
            AfterData(session, isEmpty: output.Length == 0);
            return;
        }

        session.Credit.Take(data);
        WriteNewHead(session, output.GlobalId, data);
        output.MoveTo(_batch, out bool isEmpty);
        AfterData(session, isEmpty);
    }
}
