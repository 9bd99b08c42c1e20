using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// Mux.Cool (SPEC 9): what is other than in version 0.0. It is recognised by its first frame; and there is no credit: a sub-connection
/// whose application does not read holds up the whole main connection for a short grace, and then ends alone.
/// </summary>
internal sealed class MuxCool(
    Lock gate, MainConnection connection, SessionContext context, Agreement agreement, OpenSessions sessions, Violations violations,
    ILogger log)
{
    // Who takes this part of its buffer within its grace reads well enough to be waited for.
    private const int RenewingPart = 4;

    // A server cannot know who waits behind the payload of its only sub-connection: that one has so many times the grace.
    private const int AloneFactor = 60;

    private readonly ILogger _log = log;
    private readonly List<Session> _full = []; // the receive loop's
    private TaskCompletionSource? _room; // guarded by the gate

    /// <summary>Whether a buffer is full: nothing is received until there is room. The receive loop's.</summary>
    public bool HasFull => _full.Count > 0;

    /// <summary>SPEC 9: a main connection is "recognised on a listener by its first frame (State 01 instead of 00)".</summary>
    /// <param name="first">The first bytes of the client.</param>
    /// <returns>Whether the main connection goes on; where too little has come to tell, nothing is decided.</returns>
    public bool Recognize(ReadOnlySpan<byte> first)
    {
        const int State = 4;
        if (context.IsClient || first.Length <= State)
        {
            return true;
        }

        bool isCool = first[State] == (byte)FrameType.New;
        if (isCool && context.Options.AcceptedProtocols.HasFlag(MuxProtocols.MuxCool))
        {
            agreement.OnMuxCool();
        }
        else if (!isCool && !context.Options.AcceptedProtocols.HasFlag(MuxProtocols.MuxPro))
        {
            return violations.Violation("The client does not speak Mux.Cool, and nothing else is spoken here.");
        }

        return true;
    }

    /// <summary>An application has read: there may be room in a buffer.</summary>
    public void OnRoom()
    {
        if (context.IsStalled)
        {
            lock (gate)
            {
                _room?.TrySetResult();
            }
        }
    }

    /// <summary>A session was added or has ended: who waits may be alone, or not alone any more. Under the gate.</summary>
    public void OnChanged() => _room?.TrySetResult();

    /// <summary>Payload was received. The receive loop's.</summary>
    public void OnPayload(Session session, int count)
    {
        session.Grace.Received += count;
        if (session.Receiver.Unread > context.Options.MuxCoolBuffer && !_full.Contains(session))
        {
            _full.Add(session);
        }
    }

    /// <summary>
    /// Waits until those that were found full have been read from. Each has its grace for that, in which others wait or may wait; who
    /// reads well gets it again and again (<see cref="StallGrace"/>). The receive loop's.
    /// </summary>
    public async ValueTask WaitForRoomAsync()
    {
        context.IsStalled = true;
        foreach (Session session in _full)
        {
            await WaitForRoomAsync(session).ConfigureAwait(false);
        }

        context.IsStalled = false;
        _full.Clear();
    }

    private async ValueTask WaitForRoomAsync(Session session)
    {
        long last = context.Now;
        session.Grace.Refill(last, Timestamps.From(context.Options.MuxCoolGrace, context.Time.TimestampFrequency));
        while (true)
        {
            Task changed;
            lock (gate)
            {
                if (session.State.IsAborted || session.State.EndReceived || connection.Failure is not null)
                {
                    return;
                }

                _room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                changed = _room.Task;
            }

            long unread = session.Receiver.Unread;
            session.Grace.Renew(session.Grace.Received - unread, context.Options.MuxCoolBuffer / RenewingPart);
            if (unread <= context.Options.MuxCoolBuffer)
            {
                return;
            }

            // What others want of a client, it knows.
            bool isAlone = sessions.Active <= 1;
            bool isPatient = isAlone && context.IsClient;
            if (!isPatient && session.Grace.IsSpent)
            {
                const string Message = "Its application does not read as fast as the other end sends, and Mux.Cool can make only all wait.";
                _log.SessionViolation(session.Id, Message);
                context.Engine.Abort(session, new SessionException(ErrorCode.ResourceExhaustion, Message));
                return;
            }

            int factor = isAlone ? AloneFactor : 1;
            TimeProvider time = context.Time;
            TimeSpan left = isPatient ? Timeout.InfiniteTimeSpan : RoundUp(time.GetElapsedTime(0, session.Grace.Left) * factor);
            await changed.WaitAsync(left, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long now = context.Now;
            session.Grace.Spend(isPatient ? 0 : (now - last) / factor, now);
            last = now;
        }
    }

    // Timers count milliseconds.
    private static TimeSpan RoundUp(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds));
}
