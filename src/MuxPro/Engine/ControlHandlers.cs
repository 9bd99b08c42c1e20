using System.Text;
using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// What the frames of the main connection itself do: NegotiateVersion, KeepAlive with ping and pong, Limits and GoAway (SPEC 6.3.1, 6.3.5
/// and 8). The receive loop's. Each returns whether the main connection goes on.
/// </summary>
internal sealed class ControlHandlers(
    Lock gate, MainConnection connection, SessionContext context, Agreement agreement, OpenSessions sessions, FrameCutter cutter,
    ControlOutbox outbox, Violations violations, PeerWatch watch, ILogger log)
{
    private readonly ILogger _log = log;
    private bool _hasLimits;
    private bool _goesAway;

    /// <summary>SPEC 5: the first frame of each end, and only the first.</summary>
    public bool OnNegotiateVersion(in Frame frame, long now)
    {
        if (context.Version is not null)
        {
            // SPEC 5: a second NegotiateVersion closes the main connection.
            return violations.Violation("A second NegotiateVersion (SPEC 5).");
        }

        ProtocolVersion? version = context.IsClient
            ? VersionNegotiation.CheckAnswer(frame, context.Options.Versions)
            : VersionNegotiation.Choose(frame, context.Options.Versions);
        if (version is null)
        {
            string what = context.IsClient
                ? "The server's answer is not one version that was offered"
                : "The client offers no version that is spoken here";
            connection.Fail(MainConnectionEnd.NegotiationFailed, $"{what} (SPEC 5).");
            return false;
        }

        agreement.OnNegotiated(version.Value, frame.Form, now);
        return true;
    }

    /// <summary>SPEC 6.3.5: a sign of life. SPEC 8: or a ping, which is answered, or the answer to one.</summary>
    public bool OnKeepAlive(in Frame frame, long now)
    {
        if (!violations.SpendControl(now))
        {
            return false;
        }

        if (frame.Options == FrameOptions.Ping)
        {
            lock (gate)
            {
                outbox.SendPong(frame.Token);
            }

            connection.Wake();
        }
        else if (frame.Options == FrameOptions.Pong)
        {
            lock (gate)
            {
                watch.OnPong(now, frame.Token);
            }
        }

        return true;
    }

    /// <summary>SPEC 8: what the other end takes.</summary>
    public bool OnLimits(in Frame frame, long now)
    {
        if (!violations.SpendControl(now))
        {
            return false;
        }

        if (_hasLimits)
        {
            // SPEC 8: "each end may send one". Each costs a look at all sub-connections.
            return true;
        }

        _hasLimits = true;
        lock (gate)
        {
            // SPEC 8: the first credit is that of the Limits for sub-connections that were opened before they came, too.
            int more = -context.PeerLimits.InitialWindow;
            context.PeerLimits = PeerLimits.Read(frame.Data);
            more += context.PeerLimits.InitialWindow;
            if (more > 0)
            {
                foreach (Session session in sessions)
                {
                    cutter.Grant(session, (uint)more);
                }
            }
        }

        connection.Wake();
        return true;
    }

    /// <summary>SPEC 8: the other end takes no new sub-connections.</summary>
    public bool OnGoAway(in Frame frame, long now)
    {
        if (!violations.SpendControl(now))
        {
            return false;
        }

        if (_goesAway)
        {
            // What was opened later than it said is over already, and nothing is opened any more.
            return true;
        }

        _goesAway = true;
        string text = Printable(Encoding.UTF8.GetString(frame.Data));
        _log.GoAwayReceived(context.RemoteEndPoint, frame.ErrorCode, text);
        var error = new MainConnectionException(
            MainConnectionEnd.GoingAway,
            $"The other end goes away and did not start this sub-connection: {text} ({MuxErrors.Describe(frame.ErrorCode)}).");
        var wakeups = new List<Wakeups>();
        lock (gate)
        {
            connection.OnGoAway();
            if (context.IsClient)
            {
                foreach (Session session in sessions)
                {
                    // SPEC 8: "later ones are not started and may be opened elsewhere". Ids come round again: one that was heard of is no
                    // later one.
                    if (!session.State.IsStarted && sessions.IsAfter(session.Id, frame.Id))
                    {
                        wakeups.Add(Wakeups.Stop(session, ErrorCode.RemoteDisconnect, error, drop: true));
                        sessions.Discard(session);
                    }
                }
            }
        }

        foreach (Wakeups wakeup in wakeups)
        {
            wakeup.Run();
        }

        connection.Wake();
        return true;
    }

    /// <summary>What the other end writes goes into logs and messages of one line.</summary>
    private static string Printable(string text)
        => string.Concat(text.Select(static character => char.IsControl(character) ? ' ' : character));
}
