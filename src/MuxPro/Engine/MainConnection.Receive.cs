using System.Buffers;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <content>The receive loop: one method per frame type. It waits for the transport and for nothing else.</content>
internal sealed partial class MainConnection
{
    // What one main connection may receive in a row while others wait for the thread.
    private const int ReceiveInARow = 1024 * 1024;
    private const int ReceivesInARow = 256;

    // Less room than this is not worth a receive.
    private const int MinReceive = 16 * 1024;

    // Answers that wait because the other end does not read; beyond that it is not going to.
    private const int MaxAnswers = ushort.MaxValue;

    private readonly List<Session> _readers = [];
    private readonly TailAwaitable _receiving = new();
    private FrameReader _reader;
    private bool _isBusy; // there was something to receive at once: the thread will not be free soon
    private Budget _opens;
    private Budget _resets;
    private Budget _controls;
    private bool _clientSpoke;
    private long _negotiationSent;

    // The payload under way: whose it is (nobody's: it is dropped) and how much of it is to come.
    private Session? _payloadSession;
    private int _payloadLeft;

    private async Task ReceiveLoopAsync()
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

                ValueTask<int> receive = _transport.ReceiveAsync(slab.Array.AsMemory(end));
                int received;
                _isBusy = receive.IsCompleted;
                if (_isBusy)
                {
                    WakeReaders();
                    received = await receive.ConfigureAwait(false);
                }
                else
                {
                    bytes = receives = 0;
                    received = await _receiving.Await(receive, TakeLastReader());
                }

                if (received == 0)
                {
                    OnEndOfStream(start < end || _payloadLeft > 0);
                    return;
                }

                _metrics.Received(received);
                Volatile.Write(ref _bytesReceived, _bytesReceived + received);
                end += received;
                if (!Process(slab, ref start, end))
                {
                    return;
                }

                if (_full.Count > 0)
                {
                    WakeReaders();
                    await WaitForRoomAsync().ConfigureAwait(false);
                }

                // A peer that always has something here would keep the thread for ever.
                bytes += received;
                if (bytes >= ReceiveInARow || ++receives >= ReceivesInARow)
                {
                    WakeReaders();
                    bytes = receives = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws (TLS has exceptions of its own) ends the main connection, and with it the other loop.
            Fail(MainConnectionEnd.TransportFailed, $"Receiving failed: {exception.Message}", exception);
        }
        finally
        {
            WakeReaders();
            ReleaseDatagram();
            slab.Release();
        }
    }

    /// <summary>Moves on to a new slab, with the head of a frame that is not complete.</summary>
    private static Slab Renew(Slab slab, ref int start, ref int end)
    {
        int left = end - start;

        // Only frames that nobody needs so large (a list of versions, a CreditUpdate with junk) leave much behind; they end at 66,051 bytes.
        var next = Slab.Rent(Math.Max(Slab.Large, left + (2 * MinReceive)));
        slab.Array.AsSpan(start, left).CopyTo(next.Array);
        slab.Release();
        start = 0;
        end = left;
        return next;
    }

    private bool Process(Slab slab, ref int start, int end)
    {
        long now = Now;
        Volatile.Write(ref _lastReceived, now);
        while (start < end)
        {
            if (_payloadLeft > 0)
            {
                int count = Math.Min(_payloadLeft, end - start);
                if (_payloadSession is { IsDatagrams: true })
                {
                    if (!OnDatagramPart(slab.Array.AsSpan(start, count), now))
                    {
                        return false;
                    }
                }
                else
                {
                    OnPayload(slab, start, count, now);
                }

                _payloadLeft -= count;
                start += count;
                continue;
            }

            if (_version is null && !Recognize(slab.Array.AsSpan(start, end - start)))
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
                Fail(MainConnectionEnd.ProtocolError, $"Malformed frame: {error}");
                return false;
            }

            _payloadLeft = frame.DataLength;
            _payloadSession = null;
            if (!OnFrame(frame, now))
            {
                return false;
            }
        }

        return true;
    }

    private void OnPayload(Slab slab, int start, int count, long now)
    {
        if (_payloadSession is not { } session)
        {
            return;
        }

        session.LastReceived = now;
        bool isWaitedFor = ((SessionInput)session.Receiver).Append(slab, start, count);
        if (IsMuxCool)
        {
            OnCoolPayload(session, count);
        }

        if (!isWaitedFor)
        {
            return;
        }

        if (_isBusy && count <= Little)
        {
            // Ahead of those with much, and before the next receive.
            session.Receiver.Wake();
        }
        else
        {
            _readers.Add(session);
        }
    }

    private void WakeReaders()
    {
        foreach (Session session in _readers)
        {
            session.Receiver.Wake();
        }

        _readers.Clear();
    }

    /// <summary>Wakes all who can read but the last one.</summary>
    /// <returns>That one: it goes on on this thread, once the next receive is under way and the thread has nothing else to do.</returns>
    private Session? TakeLastReader()
    {
        if (_readers.Count == 0)
        {
            return null;
        }

        Session last = _readers[^1];
        _readers.RemoveAt(_readers.Count - 1);
        WakeReaders();
        return last;
    }

    private void OnEndOfStream(bool inFrame)
    {
        if (inFrame)
        {
            Fail(MainConnectionEnd.TransportFailed, "The transport ended inside a frame.");
        }
        else
        {
            Fail(MainConnectionEnd.ClosedByPeer, "The other end closed the main connection.", ordered: true);
        }
    }
}
