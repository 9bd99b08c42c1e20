using MuxPro.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;

namespace MuxPro.Engine;

/// <content>The send loop: pulls frames out of the sessions when the transport can take more.</content>
internal sealed partial class MainConnection
{
    // A first payload of up to so many bytes goes with the New, ahead of other data: it is what the target needs to answer.
    private const int FirstPayload = 4 * 1024;

    // Where many sessions wait to send, each may wait with little: larger writes stay where they are, and the send loop copies from there.
    private const int CrowdedSendBuffer = 4 * 1024;

    private readonly AsyncSignal _sendSignal = new();
    private readonly SendBatch _batch = new();
    private readonly List<Session> _writers = [];

    // Guarded by _gate.
    private readonly SendQueue<Session> _ready = new();
    private readonly Queue<Session> _control = new();
    private readonly Queue<(ushort Id, ErrorCode Code)> _answers = new();
    private readonly List<Session> _over = [];
    private PriorityPace _pace;
    private ITimer? _paceTimer;
    private bool _negotiationDue;
    private NegotiationForm _negotiationForm;
    private bool _keepAliveDue;
    private bool _maySend;
    private bool _closeSent;
    private int _lingering;

    /// <summary>Whether very much waits to be sent, in all sessions together.</summary>
    public bool IsCrowded => Unsent.IsOver;

    /// <summary>Most bytes that may wait to be sent in one session.</summary>
    public int SendBuffer => IsCrowded ? Math.Min(CrowdedSendBuffer, Options.SendBuffer) : Options.SendBuffer;

    private async Task SendLoopAsync()
    {
        try
        {
            bool inline = false;
            while (true)
            {
                bool more = FillBatch();
                _batch.CopyBorrowed();
                WakeWriters();
                if (_batch.IsEmpty)
                {
                    if (Failure is not null)
                    {
                        return;
                    }

                    // What is held back for the sake of a higher priority goes first.
                    if (!more && TakeClose())
                    {
                        await _transport.CompleteWritesAsync().ConfigureAwait(false);
                    }

                    await _sendSignal.WaitAsync().ConfigureAwait(false);
                    inline = _sendSignal.ResumedInline;
                    continue;
                }

                ValueTask send = _transport.SendAsync(_batch);
                inline &= send.IsCompleted;
                await send.ConfigureAwait(false);
                OnSent();
                if (inline && more)
                {
                    // The caller of an inline send came with little to send; it must not be kept to send everybody's data.
                    await Task.Yield();
                    inline = false;
                }
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws (TLS has exceptions of its own) ends the main connection, and with it the other loop.
            Fail(MainConnectionEnd.TransportFailed, $"Sending failed: {exception.Message}", exception);
        }
        finally
        {
            _batch.Clear();
            lock (_gate)
            {
                _sendStarted = 0;
            }
        }
    }

    /// <summary>Cuts frames until the batch is full or nobody may send.</summary>
    /// <returns>Whether there is more than went into the batch.</returns>
    private bool FillBatch()
    {
        lock (_gate)
        {
            _batch.Clear();
            if (_failure is not null)
            {
                return false;
            }

            if (_negotiationDue)
            {
                _negotiationDue = false;
                WriteNegotiation();
            }

            // SPEC 5: until the answer is in, a client sends nothing else.
            if (_version is not null)
            {
                WriteControl();
                WriteData();
            }

            if (!_batch.IsEmpty)
            {
                _sendStarted = Now;
                _keepAlive.OnSent(_sendStarted);
            }

            return _version is not null && (_ready.Count > 0 || _control.Count > 0 || _answers.Count > 0);
        }
    }

    private void OnSent()
    {
        _metrics.Sent(_batch.Length);
        Volatile.Write(ref _bytesSent, _bytesSent + _batch.Length);
        lock (_gate)
        {
            _sendStarted = 0;
        }

        _batch.Clear();
    }

    private void EnqueueDataLocked(Session session, bool isLittle = false)
    {
        if (!session.InSendQueue)
        {
            session.InSendQueue = true;
            _ready.Enqueue(session, isLittle);
        }
    }

    private void EnqueueControlLocked(Session session)
    {
        if (!session.InControlQueue)
        {
            session.InControlQueue = true;
            _control.Enqueue(session);
        }
    }

    /// <summary>Whether it is time to tell the other end that nothing more comes. Once.</summary>
    private bool TakeClose()
    {
        lock (_gate)
        {
            if (!_closing || _closeSent)
            {
                return false;
            }

            return _closeSent = true;
        }
    }

    private void WakeWriters()
    {
        foreach (Session session in _writers)
        {
            session.Sender.Wake();
        }

        _writers.Clear();
        if (_over.Count == 0)
        {
            return;
        }

        Session[] over;
        lock (_gate)
        {
            over = [.. _over];
            _over.Clear();
        }

        foreach (Session session in over)
        {
            if (IsMuxCool && session.Receiver.End(error: null))
            {
                // SPEC 9: our End was the end of both directions.
                session.Receiver.Wake();
            }

            session.SetOver(aborted: false);
        }
    }
}
