using System.Buffers;
using Microsoft.Extensions.Logging;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>The receive loop: cuts what comes into frames and payload. It waits for the transport and for nothing else.</summary>
internal sealed class ReceiveLoop(
    MainConnection connection, SessionContext context, Agreement agreement, Transport transport, FrameHandlers frames,
    ControlHandlers control, Violations violations, MuxCool muxCool, PeerWatch watch, MuxMetrics metrics, ILogger log)
{
    /// <summary>
    /// Bytes up to which it is a message rather than a part of a stream: it goes ahead of those with more among its equals.
    /// </summary>
    public const int Little = 4 * 1024;

    // What one main connection may receive in a row while others wait for the thread.
    private const int ReceiveInARow = 1024 * 1024;
    private const int ReceivesInARow = 256;

    // Less room than this is not worth a receive.
    private const int MinReceive = 16 * 1024;

    private readonly ILogger _log = log;
    private readonly WaitingReaders _readers = new();
    private readonly TailAwaitable _receiving = new();
    private FrameReader _reader;
    private bool _isAgreed; // the reader knows what is spoken
    private bool _hasSpoken; // the other end has sent a frame behind the negotiation
    private bool _isBusy; // there was something to receive at once: the thread will not be free soon
    private long _bytesReceived;

    // The payload under way: whose it is (nobody's: it is dropped) and how much of it is to come.
    private Session? _receiver;
    private int _payloadLeft;
    private WholePayload _whole;

    /// <summary>Bytes that were received, frames and all.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public async Task RunAsync()
    {
        var slab = Slab.Rent(Slab.Large);
        int start = 0;
        int end = 0;
        int bytes = 0;
        int receives = 0;
        try
        {
            while (true)
            {
                if (start == end && !slab.IsShared)
                {
                    start = end = 0;
                }
                else if (slab.Array.Length - end < MinReceive)
                {
                    slab = Renew(slab, ref start, ref end);
                }

                ValueTask<int> receive = transport.ReceiveAsync(slab.Array.AsMemory(end));
                int received;
                _isBusy = receive.IsCompleted;
                if (_isBusy)
                {
                    _readers.Wake();
                    received = await receive.ConfigureAwait(false);
                }
                else
                {
                    bytes = receives = 0;
                    received = await _receiving.Await(receive, _readers.TakeLast());
                }

                if (received == 0)
                {
                    bool isInFrame = start < end || _payloadLeft > 0;
                    connection.Fail(
                        isInFrame ? MainConnectionEnd.TransportFailed : MainConnectionEnd.ClosedByPeer,
                        isInFrame ? "The transport ended inside a frame." : "The other end closed the main connection.",
                        isOrderly: !isInFrame);
                    return;
                }

                metrics.Received(received);
                Volatile.Write(ref _bytesReceived, _bytesReceived + received);
                end += received;
                if (!Process(slab, ref start, end))
                {
                    return;
                }

                if (muxCool.HasFull)
                {
                    _readers.Wake();
                    await muxCool.WaitForRoomAsync().ConfigureAwait(false);
                }

                // A peer that always has something here would keep the thread for ever.
                bytes += received;
                if (bytes >= ReceiveInARow || ++receives >= ReceivesInARow)
                {
                    _readers.Wake();
                    bytes = receives = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws (TLS has exceptions of its own) ends the main connection, and with it the other loop.
            connection.Fail(MainConnectionEnd.TransportFailed, $"Receiving failed: {exception.Message}", exception);
        }
        finally
        {
            _readers.Wake();
            _whole.Release();
            slab.Release();
        }
    }

    /// <summary>Moves on to a new slab, with the head of a frame that is not complete.</summary>
    private static Slab Renew(Slab slab, ref int start, ref int end)
    {
        int left = end - start;

        // Only frames that nobody needs so large (a list of versions, a CreditUpdate with junk) leave much behind; they end at 66,051
        // bytes.
        var next = Slab.Rent(Math.Max(Slab.Large, left + (2 * MinReceive)));
        slab.Array.AsSpan(start, left).CopyTo(next.Array);
        slab.Release();
        start = 0;
        end = left;
        return next;
    }

    private bool Process(Slab slab, ref int start, int end)
    {
        long now = context.Now;
        watch.OnReceived(now);
        while (start < end)
        {
            if (_payloadLeft > 0)
            {
                int count = Math.Min(_payloadLeft, end - start);
                if (_receiver is not null && !OnPayload(_receiver, slab, start, count, now))
                {
                    return false;
                }

                _payloadLeft -= count;
                start += count;
                continue;
            }

            if (!_isAgreed && !Agree(slab.Array.AsSpan(start, end - start)))
            {
                return false;
            }

            var bytes = new ReadOnlySequence<byte>(slab.Array, start, end - start);
            FrameReadStatus status = _reader.TryReadHead(ref bytes, out Frame frame, out FrameError error);
            start = end - (int)bytes.Length;
            if (status == FrameReadStatus.NeedMoreData)
            {
                return true;
            }

            if (status == FrameReadStatus.Malformed)
            {
                connection.Fail(MainConnectionEnd.ProtocolError, $"Malformed frame: {error}");
                return false;
            }

            _payloadLeft = frame.DataLength;
            if (!OnFrame(frame, now, out _receiver))
            {
                return false;
            }

            // SPEC 6.3.3: "an empty datagram on UDP".
            if (frame.DataLength == 0 && _receiver is { Receiver.IsWhole: true } && !OnPayload(_receiver, slab, start, 0, now))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Tells the reader of frames what is spoken, once that is known.</summary>
    private bool Agree(ReadOnlySpan<byte> first)
    {
        if (context.Version is null && !muxCool.Recognize(first))
        {
            return false;
        }

        if (context.Version is { } version)
        {
            _isAgreed = true;
            _reader.Version = version;
            _reader.IsMuxCool = context.Dialect == Dialect.MuxCool;
        }

        return true;
    }

    private bool OnFrame(in Frame frame, long now, out Session? receiver)
    {
        _log.FrameReceived(frame.Type, frame.Id, frame.DataLength);
        receiver = null;
        if (frame.Type == FrameType.NegotiateVersion)
        {
            return control.OnNegotiateVersion(frame, now);
        }

        if (context.Version is null)
        {
            // SPEC 5: anything else first closes the main connection.
            return violations.Violation($"{frame.Type} before the negotiation (SPEC 5).");
        }

        if (!_hasSpoken)
        {
            _hasSpoken = true;
            agreement.OnPeerSpoke();
        }

        return frame.Type switch
        {
            FrameType.New => frames.OnNew(frame, now, out receiver),
            FrameType.Keep => frames.OnKeep(frame, now, out receiver),
            FrameType.End => frames.OnEnd(frame, now),
            FrameType.KeepAlive => control.OnKeepAlive(frame, now),
            FrameType.CreditUpdate when frame.Id == 0 && context.Dialect == Dialect.Private => control.OnLimits(frame, now),
            FrameType.CreditUpdate => frames.OnCreditUpdate(frame, now),
            FrameType.GoAway => control.OnGoAway(frame, now),
            _ => violations.Violation($"{frame.Type} is not part of {context.Version} (SPEC 6)."),
        };
    }

    private bool OnPayload(Session session, Slab slab, int start, int count, long now)
    {
        session.LastReceived = now;
        ISessionReceiver receiver = session.Receiver;
        bool isWaitedFor;
        SessionViolation? violation;
        if ((count < _payloadLeft || _whole.Length > 0) && receiver.IsWhole)
        {
            if (!_whole.TryComplete(slab.Array.AsSpan(start, count), _payloadLeft, out Slab? whole))
            {
                return true;
            }

            isWaitedFor = receiver.Receive(whole, 0, _whole.Length, out violation);
            _whole.Release();
        }
        else
        {
            isWaitedFor = receiver.Receive(slab, start, count, out violation);
        }

        if (violation is not null)
        {
            return violations.Abort(session, violation, now);
        }

        if (context.Dialect == Dialect.MuxCool)
        {
            muxCool.OnPayload(session, count);
        }

        if (!isWaitedFor)
        {
            return true;
        }

        if (_isBusy && count <= Little)
        {
            // Ahead of those with much, and before the next receive.
            receiver.Wake();
        }
        else
        {
            _readers.Add(session);
        }

        return true;
    }
}
