using System.Buffers;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Wire;

namespace MuxPro.Connection;

/// <content>The receive loop: one method per frame type. It waits for the transport and for nothing else.</content>
internal sealed partial class MainConnection
{
    // Less room than this is not worth a receive.
    private const int MinReceive = 16 * 1024;

    // Answers that wait because the other end does not read; beyond that it is not going to.
    private const int MaxAnswers = ushort.MaxValue;

    private readonly List<Session> _readers = [];
    private FrameReader _reader;
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

                int received = await _transport.ReceiveAsync(slab.Array.AsMemory(end)).ConfigureAwait(false);
                if (received == 0)
                {
                    OnEndOfStream(start < end || _payloadLeft > 0);
                    return;
                }

                _metrics.Received(received);
                end += received;
                bool goOn = Process(slab, ref start, end);
                WakeReaders();
                if (!goOn)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException or ObjectDisposedException
            or InvalidOperationException or OperationCanceledException)
        {
            Fail(MainConnectionEnd.TransportFailed, $"Receiving failed: {exception.Message}", exception);
        }
        finally
        {
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
        while (start < end)
        {
            if (_payloadLeft > 0)
            {
                int count = Math.Min(_payloadLeft, end - start);
                OnPayload(slab, start, count, now);
                _payloadLeft -= count;
                start += count;
                continue;
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
        if (session.Receiver.Append(slab, start, count))
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

    private bool OnFrame(in Frame frame, long now)
    {
        _log.FrameReceived(frame.Type, frame.Id, frame.DataLength);
        if (frame.Type == FrameType.NegotiateVersion)
        {
            return OnNegotiateVersion(frame, now);
        }

        if (_version is null)
        {
            // SPEC 5: anything else first closes the main connection.
            return Violation($"{frame.Type} before the negotiation (SPEC 5).");
        }

        if (!_clientSpoke)
        {
            _clientSpoke = true;
            lock (_gate)
            {
                _maySend = true;
            }
        }

        return frame.Type switch
        {
            FrameType.New => OnNew(frame, now),
            FrameType.Keep => OnKeep(frame, now),
            FrameType.End => OnEnd(frame, now),
            FrameType.KeepAlive => SpendControl(now),
            FrameType.CreditUpdate => OnCreditUpdate(frame, now),
            _ => Violation($"{frame.Type} is not part of {_version} (SPEC 6)."),
        };
    }

    private bool OnNegotiateVersion(in Frame frame, long now)
    {
        if (_version is not null)
        {
            // SPEC 5: a second NegotiateVersion closes the main connection.
            return Violation("A second NegotiateVersion (SPEC 5).");
        }

        ProtocolVersion? version = _isClient
            ? VersionNegotiation.CheckAnswer(frame, Options.Versions)
            : VersionNegotiation.Choose(frame, Options.Versions);
        if (version is null)
        {
            string what = _isClient ? "The server's answer is not one version that was offered" : "The client offers no version that is spoken here";
            Fail(MainConnectionEnd.NegotiationFailed, $"{what} (SPEC 5).");
            return false;
        }

        lock (_gate)
        {
            _version = version;
            _maySend = _isClient;
            if (_isClient)
            {
                Volatile.Write(ref _roundTripTicks, now - _negotiationSent);
            }
            else
            {
                // SPEC 6.3.1: a server answers in the form that it was asked in.
                _negotiationForm = frame.Form;
                _negotiationDue = true;
            }
        }

        if (_transport.RoundTripTime is { Ticks: > 0 } roundTrip)
        {
            Volatile.Write(ref _roundTripTicks, ToTimestamps(roundTrip));
        }

        _log.MainConnectionStarted(RemoteEndPoint, version.Value);
        _negotiated.TrySetResult(version.Value);
        _sendSignal.Set();
        return true;
    }

    private bool OnNew(in Frame frame, long now)
    {
        if (_isClient)
        {
            // SPEC 6.3.2: only the client opens.
            return Violation("New from a server (SPEC 6.3.2).");
        }

        if (frame.Id == 0)
        {
            return Violation("New with ID 0 (SPEC 6.3.2).");
        }

        if (!_opens.TrySpend(now))
        {
            return BudgetSpent(nameof(MuxOptions.OpensPerSecond));
        }

        Session? old;
        lock (_gate)
        {
            old = _sessions[frame.Id];
        }

        if (old is not null)
        {
            // SPEC 6.3.2: an id that is open: End 0003 for it, and the old sub-connection ends too.
            AbortByProtocol(old, $"New for id {frame.Id}, which is open (SPEC 6.3.2).");
            return SpendReset(now);
        }

        if (frame.HasFault)
        {
            // SPEC 6.3.2: the frame cannot be trusted, but L still says where the next one starts.
            return Refuse(frame.Id, ErrorCode.ProtocolError, frame.Fault.ToString()) && SpendReset(now);
        }

        var session = new Session(this, frame.Id, frame.Destination!, frame.Priority);
        if (!session.Receiver.TryReceive(frame.DataLength))
        {
            return Refuse(frame.Id, ErrorCode.ProtocolError, "Its first payload is larger than the credit (SPEC 6.3.2).") && SpendReset(now);
        }

        bool accepted;
        lock (_gate)
        {
            if (_failure is not null)
            {
                return false;
            }

            accepted = !_closing && _sessions.Count < Options.MaxSessions;
            if (accepted)
            {
                AddLocked(session);
            }
        }

        if (!accepted)
        {
            return Refuse(frame.Id, ErrorCode.ResourceExhaustion, $"{Options.MaxSessions} are open already ({nameof(MuxOptions.MaxSessions)}).");
        }

        _payloadSession = session;
        _metrics.SessionOpened();
        _log.SessionOpened(session.Id, session.Destination);
        _onOpened!(session);
        return true;
    }

    private bool OnKeep(in Frame frame, long now)
    {
        if (frame.DataLength == 0 && !SpendControl(now))
        {
            // SPEC 6.3.3: legal, means nothing on a stream, and costs us as much as a frame with data.
            return false;
        }

        Session? session;
        bool dropped = false;
        bool afterEnd = false;
        bool unwanted = false;
        lock (_gate)
        {
            session = _sessions[frame.Id];
            if (session is not null)
            {
                // SPEC 6.3.3: for an id that we have just ended, payload is dropped: the other end could not know yet.
                dropped = session.IsAborted;
                afterEnd = session.EndReceived;
                unwanted = session.EndSent;
            }
        }

        if (session is null)
        {
            return OnUnknown(frame, now);
        }

        if (dropped || frame.DataLength == 0)
        {
            return true;
        }

        if (afterEnd)
        {
            AbortByProtocol(session, "Keep after the End of the same end (SPEC 6.3.4).");
            return SpendReset(now);
        }

        if (!session.Receiver.TryReceive(frame.DataLength))
        {
            AbortByProtocol(session, "More data than credit (SPEC 6.3.6).");
            return SpendReset(now);
        }

        if (unwanted && session.Receiver.IsCompleted)
        {
            // This end has sent all it had and reads no more: without a word the other end would send for ever.
            Abort(session, ErrorCode.RemoteDisconnect, new SessionException(ErrorCode.RemoteDisconnect, "The session was closed."));
            return true;
        }

        _payloadSession = session;
        return true;
    }

    private bool OnUnknown(in Frame frame, long now)
    {
        if (frame.Id == 0)
        {
            return Violation("Keep with ID 0, which is the main connection's own (SPEC 6).");
        }

        if (!SpendControl(now))
        {
            return false;
        }

        if (frame.HasData)
        {
            // SPEC 6.3.3: payload of an id that was never opened or is long gone is answered at most once per id.
            return Answer(frame.Id, ErrorCode.ProtocolError, always: false);
        }

        return true;
    }

    private bool OnEnd(in Frame frame, long now)
    {
        Wakeups wakeups;
        lock (_gate)
        {
            Session? session = _sessions[frame.Id];
            if (session is null || (session.EndReceived && (frame.ErrorCode == ErrorCode.GracefulShutdown || session.IsAborted)))
            {
                // SPEC 6.3.4: expect an End twice, and for ids that were never opened.
                session = null;
                wakeups = default;
            }
            else
            {
                wakeups = OnEndLocked(session, frame.ErrorCode);
            }

            if (session is null)
            {
                return SpendControl(now);
            }
        }

        wakeups.Run();
        _sendSignal.Set();
        return frame.ErrorCode == ErrorCode.GracefulShutdown || SpendReset(now);
    }

    private Wakeups OnEndLocked(Session session, ErrorCode code)
    {
        if (session.EndSent && !session.IsAborted && !session.EndReceived)
        {
            _lingering--;
        }

        session.EndReceived = true;
        session.PendingGrant = 0;
        session.SetEndCode(code);
        Wakeups wakeups;
        if (session.IsAborted)
        {
            wakeups = default;
        }
        else if (code == ErrorCode.GracefulShutdown)
        {
            wakeups = new Wakeups(session, session.Receiver.End(error: null), Writer: false, IsOver: session.EndSent, IsAborted: false);
        }
        else
        {
            // SPEC 6.3.4: with a code it is over in both directions at once; what came before is still read.
            var error = new SessionException(
                code, $"The other end ended session {session.Id} to {session.Destination}: {MuxErrors.Describe(code)} ({(ushort)code:x4}).")
            { IsRemote = true };
            wakeups = AbortLocked(session, code, error, drop: false);
            EnqueueControlLocked(session);
        }

        if (session.EndSent)
        {
            RemoveLocked(session);
        }

        return wakeups;
    }

    private bool OnCreditUpdate(in Frame frame, long now)
    {
        if (!SpendControl(now))
        {
            return false;
        }

        Session? session;
        lock (_gate)
        {
            session = _sessions[frame.Id];
            if (session is null || session.IsAborted)
            {
                // SPEC 6.3.6: for an unknown id it is ignored.
                return true;
            }

            if (!frame.HasFault)
            {
                session.Credit.Grant(frame.Credit);
                if (!session.NewPending && !session.EndSent && session.Sender.Length > 0)
                {
                    EnqueueDataLocked(session);
                }
            }
        }

        if (frame.HasFault)
        {
            AbortByProtocol(session, frame.Fault.ToString());
            return SpendReset(now);
        }

        _sendSignal.Set();
        return true;
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

    /// <summary>The other end broke the rules of one sub-connection: it ends with 0003, its neighbours live on.</summary>
    private void AbortByProtocol(Session session, string message)
    {
        _log.SessionViolation(session.Id, message);
        bool aborted;
        lock (_gate)
        {
            aborted = session.IsAborted;
            if (aborted && !session.EndReceived)
            {
                // Ended already, but the other end is owed a word on this frame.
                session.PendingAbort = ErrorCode.ProtocolError;
                EnqueueControlLocked(session);
            }
        }

        if (aborted)
        {
            _sendSignal.Set();
        }
        else
        {
            Abort(session, ErrorCode.ProtocolError, new SessionException(ErrorCode.ProtocolError, message));
        }
    }

    /// <summary>Answers a New with an End; the id stays free, and what still comes for it is dropped.</summary>
    private bool Refuse(ushort id, ErrorCode code, string message)
    {
        _log.SessionRefused(id, code, message);
        return Answer(id, code, always: true);
    }

    /// <summary>Answers a frame of an id that no session holds; Keeps only once per id.</summary>
    private bool Answer(ushort id, ErrorCode code, bool always)
    {
        int waiting;
        lock (_gate)
        {
            if (!_sessions.TryAnswer(id) && !always)
            {
                return true;
            }

            _answers.Enqueue((id, code));
            waiting = _answers.Count;
        }

        _sendSignal.Set();
        return waiting <= MaxAnswers || Violation($"The other end does not read the answers to {MaxAnswers} refused frames.");
    }

    private bool SpendControl(long now) => _controls.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ControlFramesPerSecond));

    private bool SpendReset(long now) => _resets.TrySpend(now) || BudgetSpent(nameof(MuxOptions.ResetsPerSecond));

    private bool BudgetSpent(string budget)
    {
        Fail(MainConnectionEnd.BudgetSpent, $"The other end spent its budget ({budget}).");
        return false;
    }

    private bool Violation(string message)
    {
        Fail(MainConnectionEnd.ProtocolError, message);
        return false;
    }
}
