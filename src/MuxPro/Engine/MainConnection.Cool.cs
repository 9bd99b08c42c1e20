using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <content>
/// Mux.Cool (SPEC 9): what is other than in version 0.0. There is no credit: a sub-connection whose application does not read holds up the whole main
/// connection for a short grace, and then ends alone. There is no half-close: an End is the end of both directions.
/// </content>
internal sealed partial class MainConnection
{
    // Who takes this part of its buffer within its grace reads well enough to be waited for.
    private const int RenewingPart = 4;

    // A server cannot know who waits behind the payload of its only sub-connection: that one has so many times the grace.
    private const int AloneFactor = 60;

    private readonly List<Session> _full = []; // the receive loop's
    private TaskCompletionSource? _room; // guarded by _gate
    private volatile bool _isStalled;

    /// <summary>Whether this is a main connection of Mux.Cool.</summary>
    public bool IsMuxCool { get; private set; }

    /// <summary>Whether the receive loop waits for an application to read.</summary>
    public bool IsStalled => _isStalled;

    private int MaxFramePayload => IsMuxCool ? Math.Min(Options.MaxFramePayload, FrameWriter.MaxCoolData) : Options.MaxFramePayload;

    /// <summary>Nothing is negotiated: the first frame may be a New.</summary>
    private void StartMuxCool()
    {
        lock (_gate)
        {
            IsMuxCool = _reader.IsMuxCool = true;
            _version = ProtocolVersion.V0_0;
            _maySend = true;
            _negotiationDue = false;
        }

        _log.MuxCoolStarted(RemoteEndPoint);
        _negotiated.TrySetResult(ProtocolVersion.V0_0);
    }

    /// <summary>SPEC 9: a main connection is "recognised on a listener by its first frame (State 01 instead of 00)".</summary>
    /// <returns>Whether the main connection goes on; where too little has come to tell, nothing is decided.</returns>
    private bool Recognize(ReadOnlySpan<byte> first)
    {
        const int State = 4;
        if (_isClient || _version is not null || first.Length <= State)
        {
            return true;
        }

        bool isCool = first[State] == (byte)FrameType.New;
        if (isCool && Options.AcceptedProtocols.HasFlag(MuxProtocols.MuxCool))
        {
            StartMuxCool();
        }
        else if (!isCool && !Options.AcceptedProtocols.HasFlag(MuxProtocols.MuxPro))
        {
            return Violation("The client does not speak Mux.Cool, and nothing else is spoken here.");
        }

        return true;
    }

    /// <summary>Something changed that the receive loop may wait for: room in a buffer, or the end of a session.</summary>
    public void OnRoom()
    {
        if (_isStalled)
        {
            lock (_gate)
            {
                _room?.TrySetResult();
            }
        }
    }

    /// <summary>The application reads no more: an End that waited for that goes out.</summary>
    public void OnReaderCompleted(Session session)
    {
        if (!IsMuxCool)
        {
            return;
        }

        lock (_gate)
        {
            if (session is { CompleteRequested: true, EndSent: false, IsAborted: false, NewPending: false })
            {
                EnqueueControlLocked(session);
            }
        }

        _sendSignal.Set();
    }

    // ---- the receive loop's -----------------------------------------------------------------------------------------------

    private void OnCoolPayload(Session session, int count)
    {
        session.Received += count;
        if (((SessionInput)session.Receiver).Unread > Options.MuxCoolBuffer && !_full.Contains(session))
        {
            _full.Add(session);
        }
    }

    /// <summary>
    /// Waits until those that were found full have been read from. Each has its grace for that, in which others wait or may wait; who reads well gets it
    /// again and again (<see cref="StallGrace"/>).
    /// </summary>
    private async ValueTask WaitForRoomAsync()
    {
        _isStalled = true;
        foreach (Session session in _full)
        {
            await WaitForRoomAsync(session).ConfigureAwait(false);
        }

        _isStalled = false;
        _full.Clear();
    }

    private async ValueTask WaitForRoomAsync(Session session)
    {
        var input = (SessionInput)session.Receiver;
        long last = Now;
        session.Grace.Refill(last, ToTimestamps(Options.MuxCoolGrace));
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (session.IsAborted || session.EndReceived || _failure is not null)
                {
                    return;
                }

                _room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                changed = _room.Task;
            }

            long unread = input.Unread;
            session.Grace.Renew(session.Received - unread, Options.MuxCoolBuffer / RenewingPart);
            if (unread <= Options.MuxCoolBuffer)
            {
                return;
            }

            // What others want of a client, it knows.
            bool isAlone = ActiveSessions <= 1;
            bool isPatient = isAlone && _isClient;
            if (!isPatient && session.Grace.IsSpent)
            {
                const string Message = "Its application does not read as fast as the other end sends, and Mux.Cool can make only all wait.";
                _log.SessionViolation(session.Id, Message);
                Abort(session, ErrorCode.ResourceExhaustion, new SessionException(ErrorCode.ResourceExhaustion, Message));
                return;
            }

            int factor = isAlone ? AloneFactor : 1;
            TimeSpan left = isPatient ? Timeout.InfiniteTimeSpan : RoundUp(_time.GetElapsedTime(0, session.Grace.Left) * factor);
            await changed.WaitAsync(left, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long now = Now;
            session.Grace.Spend(isPatient ? 0 : (now - last) / factor, now);
            last = now;
        }
    }

    // Timers count milliseconds.
    private static TimeSpan RoundUp(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds));

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    /// <summary>
    /// Whether a session whose application writes no more may end. A client's may still be answered: its End waits until the other end's comes, or the
    /// application reads no more, or nothing comes for <see cref="MuxOptions.LingerTimeout"/>.
    /// </summary>
    private bool MayEnd(Session session)
    {
        if (!IsMuxCool || !_isClient || session.IsDatagrams || session.IsEndDue || session.Receiver.IsCompleted)
        {
            return true;
        }

        session.LastReceived = Now;
        return false;
    }

    private void WriteCoolEnd(Session session, ErrorCode code)
    {
        FrameWriter.WriteCoolEnd(_batch, session.Id, isError: code != ErrorCode.GracefulShutdown);
        session.SetEndCode(code);
        RemoveLocked(session);
        _over.Add(session);
    }

    private Wakeups OnCoolEndLocked(Session session, ErrorCode code)
    {
        session.SetEndCode(code);
        if (session.IsAborted)
        {
            RemoveLocked(session);
            return default;
        }

        bool isError = code != ErrorCode.GracefulShutdown;
        var error = new SessionException(
            ErrorCode.RemoteDisconnect, $"The other end ended session {session.Id} to {session.Destination}{(isError ? " with an error" : "")}.")
        { IsRemote = true };
        bool reader = session.Receiver.End(isError ? error : null);
        bool writer = isError ? session.Sender.Fail(error) : session.Sender.Stop(error);
        session.IsAborted = isError;
        RemoveLocked(session);
        return new Wakeups(session, reader, writer, IsOver: true, IsAborted: isError);
    }

    /// <summary>Ends that wait for an answer do not wait for ever.</summary>
    private void CheckCoolLinger(long now)
    {
        if (!IsMuxCool || !_isClient)
        {
            return;
        }

        lock (_gate)
        {
            _scan.Clear();
            _sessions.CopyTo(_scan);
            foreach (Session session in _scan)
            {
                if (session is { CompleteRequested: true, EndSent: false, IsAborted: false, NewPending: false, IsDatagrams: false, IsEndDue: false }
                    && session.Sender.Length == 0 && !session.Receiver.HasUnread
                    && now - session.LastReceived >= ToTimestamps(Options.LingerTimeout))
                {
                    session.IsEndDue = true;
                    EnqueueControlLocked(session);
                }
            }

            _scan.Clear();
        }

        _sendSignal.Set();
    }
}
