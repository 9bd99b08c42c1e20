using Microsoft.Extensions.Logging;
using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Protocol;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>What the two ends speak: who waits for it, and what begins once it is agreed on (SPEC 5 and 9).</summary>
internal sealed class Agreement(
    Lock gate, SessionContext context, Transport transport, ControlOutbox outbox, Clock clock, PeerWatch watch, SendLoop sendLoop,
    ILogger log)
{
    private readonly ILogger _log = log;
    private readonly TaskCompletionSource<ProtocolVersion> _negotiated = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done with the version when there is one; fails when there will be none.</summary>
    public Task<ProtocolVersion> Negotiated => _negotiated.Task;

    /// <summary>SPEC 9: both ends speak Mux.Cool, and nothing is negotiated.</summary>
    public void OnMuxCool()
    {
        lock (gate)
        {
            context.Agree(Dialect.MuxCool, ProtocolVersion.V0_0);
            clock.AllowLifeSigns(hasSpoken: false);
            outbox.SkipNegotiation();
        }

        _log.MuxCoolStarted(context.RemoteEndPoint);
        _negotiated.TrySetResult(ProtocolVersion.V0_0);
        sendLoop.Wake();
    }

    /// <summary>SPEC 5: both ends speak the same version.</summary>
    /// <param name="version">The version.</param>
    /// <param name="form">SPEC 6.3.1: in which form the client asked.</param>
    /// <param name="now">A timestamp.</param>
    public void OnNegotiated(ProtocolVersion version, NegotiationForm form, long now)
    {
        TcpFigures figures = transport.Look();
        lock (gate)
        {
            context.Agree(DialectFeatures.Of(version), version);
            clock.AllowLifeSigns(hasSpoken: false);
            outbox.SendLimits();
            if (context.IsClient)
            {
                watch.OnNegotiated(now - outbox.NegotiationSent);
            }
            else
            {
                outbox.AnswerNegotiation(form);
            }

            watch.Measure(figures);
        }

        _log.MainConnectionStarted(context.RemoteEndPoint, version);
        _negotiated.TrySetResult(version);
        sendLoop.Wake();
    }

    /// <summary>The first frame behind the negotiation is in.</summary>
    public void OnPeerSpoke()
    {
        lock (gate)
        {
            clock.AllowLifeSigns(hasSpoken: true);
        }
    }

    /// <summary>The main connection is gone.</summary>
    public void OnFailed(MainConnectionException failure)
    {
        _ = _negotiated.TrySetException(MuxErrors.Copy(failure));
        _ = _negotiated.Task.Exception; // nobody has to look
    }
}
