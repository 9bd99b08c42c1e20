using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// What the frames of sub-connections do: New, Keep, End and CreditUpdate (SPEC 6.3). The receive loop's. Each returns whether the main
/// connection goes on.
/// </summary>
internal sealed class FrameHandlers(
    Lock gate, MainConnection connection, SessionContext context, OpenSessions sessions, FrameCutter cutter, ControlOutbox outbox,
    Violations violations, MuxCool muxCool, Action<Session>? onOpened)
{
    /// <summary>SPEC 6.3.2: a client opens a sub-connection.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="now">A timestamp.</param>
    /// <param name="receiver">Whose payload follows; nobody's is dropped.</param>
    public bool OnNew(in Frame frame, long now, out Session? receiver)
    {
        receiver = null;
        if (context.IsClient)
        {
            // SPEC 6.3.2: only the client opens.
            return violations.Violation("New from a server (SPEC 6.3.2).");
        }

        if (!violations.SpendOpen(now))
        {
            return false;
        }

        if (frame.Id == 0)
        {
            // SPEC 6.3.2: a prototype of 0.0 comes to it after 65,535. It is nobody's, and ends alone.
            var noId = new SessionViolation(ErrorCode.ProtocolError, "ID 0 is the main connection's own (SPEC 6).");
            return violations.Refuse(frame.Id, noId) && violations.SpendReset(now);
        }

        Session? old;
        lock (gate)
        {
            if (outbox.GoesAway)
            {
                // SPEC 8: "later ones are not started". The client learns it from the GoAway, and opens it elsewhere.
                return true;
            }

            outbox.LastTaken = frame.Id;
            old = sessions[frame.Id];
        }

        if (old is not null)
        {
            // SPEC 6.3.2: an id that is open: End 0003 for it, and the old sub-connection ends too.
            return violations.Abort(old, $"New for id {frame.Id}, which is open (SPEC 6.3.2).", now);
        }

        if (frame.HasFault)
        {
            // SPEC 6.3.2: the frame cannot be trusted, but L still says where the next one starts.
            var fault = new SessionViolation(ErrorCode.ProtocolError, frame.Fault.ToString());
            return violations.Refuse(frame.Id, fault) && violations.SpendReset(now);
        }

        // SPEC 7.2: from 0.1 on a New may have a GlobalID.
        byte priority = Math.Max(frame.Priority, context.Options.HighestPriority);
        var session = new Session(context, frame.Id, frame.Destination!, priority, context.IsFullCone ? frame.GlobalId : 0);
        if (session.Receiver.Expect(frame) is { } violation)
        {
            return violations.Refuse(frame.Id, violation) && violations.SpendReset(now);
        }

        bool isAccepted;
        lock (gate)
        {
            if (connection.Failure is not null)
            {
                return false;
            }

            isAccepted = connection.TakesSessions;
            if (isAccepted)
            {
                sessions.Add(session);
                muxCool.OnChanged();
            }
        }

        if (!isAccepted)
        {
            return violations.Refuse(frame.Id, new SessionViolation(
                ErrorCode.ResourceExhaustion, $"{context.Options.MaxSessions} are open already ({nameof(MuxOptions.MaxSessions)})."));
        }

        receiver = frame.HasData ? session : null;
        connection.OnOpened(session);
        onOpened!(session);
        return true;
    }

    /// <summary>SPEC 6.3.3: payload.</summary>
    /// <inheritdoc cref="OnNew"/>
    public bool OnKeep(in Frame frame, long now, out Session? receiver)
    {
        receiver = null;
        if (frame.DataLength == 0 && !violations.SpendControl(now))
        {
            // SPEC 6.3.3: legal, means nothing on a stream, and costs us as much as a frame with data.
            return false;
        }

        bool isSign = frame.DataLength > 0 || (context.Dialect.HasOpenResult && (frame.Options & FrameOptions.Opened) != 0);
        bool isFirstSign = false;
        SessionState state = default;
        Session? session;
        lock (gate)
        {
            session = sessions[frame.Id];
            if (session is not null)
            {
                isFirstSign = session.State.OnKeep(isSign);
                state = session.State;
            }
        }

        if (session is null)
        {
            return OnUnknown(frame, now);
        }

        if (isFirstSign)
        {
            session.SetOpened();
        }

        if (frame.DataLength == 0 && !(frame.HasData && session.Receiver.IsWhole))
        {
            return true;
        }

        if (state.IsAborted)
        {
            // SPEC 6.3.3: for an id that we have just ended, payload is dropped: the other end could not know yet. It costs us what a
            // frame costs, and no credit.
            return violations.SpendControl(now);
        }

        if (state.EndReceived)
        {
            return violations.Abort(session, "Keep after the End of the same end (SPEC 6.3.4).", now);
        }

        if (session.Receiver.Expect(frame) is { } violation)
        {
            return violations.Abort(session, violation, now);
        }

        if (state.EndSent && session.Receiver.IsCompleted)
        {
            // This end has sent all it had and reads no more: without a word the other end would send for ever.
            context.Engine.Abort(session, new SessionException(ErrorCode.RemoteDisconnect, "The session was closed."));
            return true;
        }

        receiver = session;
        return true;
    }

    /// <summary>SPEC 6.3.4: the other end sends nothing more, or gives both directions up.</summary>
    /// <inheritdoc cref="OnNew" path="/param"/>
    public bool OnEnd(in Frame frame, long now)
    {
        Wakeups? wakeups = null;
        lock (gate)
        {
            if (sessions[frame.Id] is { } session && session.State.IsNews(frame.ErrorCode))
            {
                wakeups = End(session, frame.ErrorCode, frame.Detail, now);
            }
        }

        if (wakeups is null)
        {
            // SPEC 6.3.4: expect an End twice, and for ids that were never opened.
            return violations.SpendControl(now);
        }

        wakeups.Value.Run();
        connection.Wake();
        return frame.ErrorCode == ErrorCode.GracefulShutdown || violations.SpendReset(now);
    }

    /// <summary>SPEC 6.3.6: credit for one sub-connection.</summary>
    /// <inheritdoc cref="OnNew" path="/param"/>
    public bool OnCreditUpdate(in Frame frame, long now)
    {
        if (!violations.SpendControl(now))
        {
            return false;
        }

        Session? session;
        lock (gate)
        {
            session = sessions[frame.Id];
            if (session is null || session.State.IsAborted)
            {
                // SPEC 6.3.6: for an unknown id it is ignored.
                return true;
            }

            if (!frame.HasFault)
            {
                cutter.Grant(session, frame.Credit);
                if (session.State.IsAnswering)
                {
                    // It is not without credit for too long, however soon that is spent.
                    session.LastReceived = now;
                }
            }
        }

        if (frame.HasFault)
        {
            return violations.Abort(session, frame.Fault.ToString(), now);
        }

        connection.Wake();
        return true;
    }

    private bool OnUnknown(in Frame frame, long now)
    {
        return violations.SpendControl(now) && (!frame.HasData || violations.AnswerOnce(frame.Id));
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private Wakeups End(Session session, ErrorCode code, FailureDetail detail, long now)
    {
        SessionState before = session.State;
        SessionDue due = session.State.OnEnd(code);
        session.SetEndCode(code);
        session.LastReceived = now;
        Wakeups wakeups = before.IsAborted ? default
            : context.Dialect.EndsBothDirections ? EndBoth(session, isError: code != ErrorCode.GracefulShutdown)
            : code != ErrorCode.GracefulShutdown ? Wakeups.Stop(session, code, Failure(session, code, detail), drop: false)
            : new Wakeups(
                session, session.Receiver.End(error: null), Writer: false, IsOver: session.State.IsOver, IsAborted: false, IsOpened: true);
        sessions.Settle(session, before);
        cutter.Add(session, due);
        return wakeups;
    }

    // SPEC 6.3.4: with a code it is over in both directions at once; what came before is still read.
    private static SessionException Failure(Session session, ErrorCode code, FailureDetail detail)
        => new(code, $"The other end ended session {session.Id} to {session.Destination}: {MuxErrors.Describe(code)} ({(ushort)code:x4}).")
        {
            IsRemote = true,
            Detail = detail,
        };

    // SPEC 9: an End of Mux.Cool ends both directions.
    private static Wakeups EndBoth(Session session, bool isError)
    {
        string how = isError ? " with an error" : "";
        var error = new SessionException(
            ErrorCode.RemoteDisconnect, $"The other end ended session {session.Id} to {session.Destination}{how}.")
        {
            IsRemote = true,
        };
        bool reader = session.Receiver.End(isError ? error : null);
        bool writer = isError ? session.Sender.Fail(error) : session.Sender.Stop(error);
        return new Wakeups(session, reader, writer, IsOver: true, IsAborted: isError);
    }
}
