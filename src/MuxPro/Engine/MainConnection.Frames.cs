using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <content>What each frame does: one method per type. Each returns whether the main connection goes on.</content>
internal sealed partial class MainConnection
{
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
            FrameType.KeepAlive => OnKeepAlive(frame, now),
            FrameType.CreditUpdate when frame.Id == 0 && _isPrivate => SpendControl(now) && OnLimits(frame),
            FrameType.CreditUpdate => OnCreditUpdate(frame, now),
            FrameType.GoAway => SpendControl(now) && OnGoAway(frame),
            _ => Violation($"{frame.Type} is not part of {_version} (SPEC 6)."),
        };
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
            if (_goAwayDue is not null || _goAwaySent)
            {
                // SPEC 8: "later ones are not started". The client learns it from the GoAway, and opens it elsewhere.
                return true;
            }

            _lastTaken = frame.Id;
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

        var session = new Session(this, frame.Id, frame.Destination!, Math.Max(frame.Priority, Options.HighestPriority), GlobalIdOf(frame))
        {
            IsStarted = true,
            IsOpenedDue = _isPrivate,
        };
        if (session.Receiver is SessionInput input && input.TryReceive(frame.DataLength) is { } refusal)
        {
            return Refuse(frame.Id, refusal, WhyNotReceived(refusal)) && SpendReset(now);
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
        return !session.IsDatagrams || OnDatagramHead(session, frame, now);
    }

    // SPEC 7.2: from 0.1 on a New may have a GlobalID.
    private ulong GlobalIdOf(in Frame frame) => IsFullCone ? frame.GlobalId : 0;

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
        bool opened = false;
        lock (_gate)
        {
            session = _sessions[frame.Id];
            if (session is not null)
            {
                if (!session.IsStarted && !session.IsAborted && (frame.DataLength > 0 || (_isPrivate && (frame.Options & FrameOptions.Opened) != 0)))
                {
                    opened = session.IsStarted = true;
                }

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

        if (opened)
        {
            session.SetOpened();
        }

        if (frame.DataLength == 0 && !(session.IsDatagrams && frame.HasData))
        {
            return true;
        }

        if (dropped)
        {
            // It costs us what a frame costs, and no credit.
            return SpendControl(now);
        }

        if (afterEnd)
        {
            AbortByProtocol(session, "Keep after the End of the same end (SPEC 6.3.4).");
            return SpendReset(now);
        }

        if (session.Receiver is SessionInput input && input.TryReceive(frame.DataLength) is { } refusal)
        {
            AbortByProtocol(session, WhyNotReceived(refusal), refusal);
            return SpendReset(now);
        }

        if (unwanted && session.Receiver.IsCompleted)
        {
            // This end has sent all it had and reads no more: without a word the other end would send for ever.
            Abort(session, ErrorCode.RemoteDisconnect, new SessionException(ErrorCode.RemoteDisconnect, "The session was closed."));
            return true;
        }

        _payloadSession = session;
        return !session.IsDatagrams || OnDatagramHead(session, frame, now);
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
}
