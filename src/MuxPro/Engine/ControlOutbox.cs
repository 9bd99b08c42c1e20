using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// The control frames that wait to be sent: at most one of a kind, or a bounded number. Those of the main connection itself are written
/// here; the sessions that owe one wait in line for <see cref="FrameCutter"/>. Guarded by the gate.
/// </summary>
/// <param name="context">What the sub-connections share.</param>
/// <param name="watch">Is told of pings.</param>
internal sealed class ControlOutbox(SessionContext context, PeerWatch watch)
{
    /// <summary>Answers that wait because the other end does not read; beyond that it is not going to.</summary>
    public const int MaxAnswers = ushort.MaxValue;

    /// <summary>SPEC 6.3.4: what goes out together with an End with a code in 0.0, for a writer that waits.</summary>
    public const uint FreeingCredit = 1024 * 1024;

    // An other end that does not read its answers gets no more than so many.
    private const int MaxPongs = 64;

    private readonly Queue<Session> _sessions = new();
    private readonly Queue<(ushort Id, ErrorCode Code, bool IsOpen)> _answers = new();
    private readonly Queue<ulong> _pongs = new();
    private bool _isNegotiationDue = context.IsClient;
    private NegotiationForm _form;
    private bool _isLimitsDue;
    private bool _isKeepAliveDue;
    private bool _isPingDue;
    private (ErrorCode Code, string Text)? _goAway;

    /// <summary>SPEC 8: a GoAway was sent, or waits to be sent: what is opened later is not started.</summary>
    public bool GoesAway { get; private set; }

    /// <summary>SPEC 8: the last id that a New came with; a GoAway tells it.</summary>
    public ushort LastTaken { get; set; }

    /// <summary>When the first frame of this end went out.</summary>
    public long NegotiationSent { get; private set; }

    /// <summary>Whether sub-connections or answers wait.</summary>
    public bool HasMore => _sessions.Count > 0 || _answers.Count > 0;

    /// <summary>Puts a session that owes a control frame in line.</summary>
    public void Add(Session session)
    {
        if (!session.InControlQueue)
        {
            session.InControlQueue = true;
            _sessions.Enqueue(session);
        }
    }

    /// <summary>The next session that owes a control frame.</summary>
    public bool TryTake([NotNullWhen(true)] out Session? session)
    {
        if (!_sessions.TryDequeue(out session))
        {
            return false;
        }

        session.InControlQueue = false;
        return true;
    }

    /// <summary>Answers a frame of an id that no session holds.</summary>
    /// <param name="id">The id.</param>
    /// <param name="code">How it ends.</param>
    /// <param name="isOpen">Whether the other end has just opened it.</param>
    /// <returns>How many answers wait.</returns>
    public int Answer(ushort id, ErrorCode code, bool isOpen)
    {
        _answers.Enqueue((id, code, isOpen));
        return _answers.Count;
    }

    /// <summary>SPEC 6.3.1: a server answers in the form that it was asked in. A client asks without being told to.</summary>
    public void AnswerNegotiation(NegotiationForm form) => (_isNegotiationDue, _form) = (true, form);

    /// <summary>SPEC 9: nothing is negotiated.</summary>
    public void SkipNegotiation() => _isNegotiationDue = false;

    /// <summary>SPEC 8: "right after negotiation each end may send one".</summary>
    public void SendLimits() => _isLimitsDue = true;

    /// <summary>SPEC 6.3.5: nothing was sent for a while.</summary>
    public void SendKeepAlive() => _isKeepAliveDue = true;

    /// <summary>SPEC 8: asks for a sign of life.</summary>
    public void SendPing() => _isPingDue = true;

    /// <summary>SPEC 8: answers a ping.</summary>
    public void SendPong(ulong token)
    {
        if (_pongs.Count < MaxPongs)
        {
            _pongs.Enqueue(token);
        }
    }

    /// <summary>SPEC 8: asks the client to open nothing more here.</summary>
    public void SendGoAway(ErrorCode code, string text)
    {
        _goAway = (code, text);
        GoesAway = true;
    }

    /// <summary>Writes the first frame of this end, if it is due.</summary>
    public void WriteNegotiation(IBufferWriter<byte> output)
    {
        if (!_isNegotiationDue)
        {
            return;
        }

        _isNegotiationDue = false;
        NegotiationSent = context.Now;
        if (context.IsClient)
        {
            FrameWriter.WriteNegotiateVersion(output, [.. context.Options.Versions]);
        }
        else
        {
            FrameWriter.WriteNegotiateVersion(output, [context.Version!.Value], _form);
        }
    }

    /// <summary>Writes the frames of the main connection itself.</summary>
    public void WriteOwn(SendBatch output)
    {
        if (_isKeepAliveDue)
        {
            _isKeepAliveDue = false;
            FrameWriter.WriteKeepAlive(output);
        }

        if (context.Dialect == Dialect.Private)
        {
            WritePrivate(output);
        }

        while (output.HasRoom && _answers.TryDequeue(out (ushort Id, ErrorCode Code, bool IsOpen) answer))
        {
            if (context.Dialect == Dialect.MuxCool)
            {
                FrameWriter.WriteCoolEnd(output, answer.Id, isError: true);
            }
            else
            {
                if (answer.IsOpen && context.Dialect.FreesWriters)
                {
                    FrameWriter.WriteCreditUpdate(output, answer.Id, FreeingCredit);
                }

                FrameWriter.WriteEnd(output, answer.Id, answer.Code);
            }
        }
    }

    /// <summary>What only the private version has (SPEC 8).</summary>
    private void WritePrivate(SendBatch output)
    {
        if (_isLimitsDue)
        {
            _isLimitsDue = false;
            PeerLimits ours = OwnLimits;
            if (ours != new PeerLimits())
            {
                FrameWriter.WriteLimits(output, ours);
            }
        }

        while (_pongs.TryDequeue(out ulong token))
        {
            FrameWriter.WritePong(output, token);
        }

        if (_isPingDue)
        {
            _isPingDue = false;
            FrameWriter.WritePing(output, watch.OnPing(context.Now));
        }

        if (_goAway is var (code, text))
        {
            _goAway = null;
            FrameWriter.WriteGoAway(output, LastTaken, code, text);
        }
    }

    private PeerLimits OwnLimits => new()
    {
        MaxSessions = context.IsClient ? ushort.MaxValue : context.Options.MaxSessions,
        InitialWindow = context.Options.InitialWindow,
        MaxDatagram = context.Options.MaxDatagram,
    };
}
