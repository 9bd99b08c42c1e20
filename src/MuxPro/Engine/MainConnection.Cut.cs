using MuxPro.Buffers;
using MuxPro.Protocol;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <content>Cuts frames into the batch. All of it runs under the gate.</content>
internal sealed partial class MainConnection
{
    /// <summary>Control goes ahead of data: credit would wait behind the bulk that it is to release.</summary>
    private void WriteControl()
    {
        if (_keepAliveDue)
        {
            _keepAliveDue = false;
            FrameWriter.WriteKeepAlive(_batch);
        }

        if (_isPrivate)
        {
            WritePrivate();
        }

        while (_batch.HasRoom && _answers.TryDequeue(out (ushort Id, ErrorCode Code) answer))
        {
            if (IsMuxCool)
            {
                FrameWriter.WriteCoolEnd(_batch, answer.Id, isError: true);
            }
            else
            {
                FrameWriter.WriteEnd(_batch, answer.Id, answer.Code);
            }
        }

        while (_batch.HasRoom && _control.TryDequeue(out Session? session))
        {
            session.InControlQueue = false;
            WriteControl(session);
        }
    }

    private void WriteControl(Session session)
    {
        if (session.PendingAbort is { } code)
        {
            session.PendingAbort = null;
            WriteEnd(session, code);
            return;
        }

        if (session.EndSent)
        {
            // SPEC 8: the private version grants after its End too, until the other end's.
            WriteGrant(session);
            return;
        }

        if (session.IsAborted)
        {
            // SPEC 6.3.4: the answer to an End with a code is an End 0000, if none was sent yet.
            WriteEnd(session, ErrorCode.GracefulShutdown);
            return;
        }

        if (session.NewPending)
        {
            WriteNew(session);
            return;
        }

        if (session.OpenedPending)
        {
            WriteOpened(session);
        }

        WriteGrant(session);
        if (session.CompleteRequested && session.Sender.Length == 0 && MayEnd(session))
        {
            WriteEnd(session, ErrorCode.GracefulShutdown);
        }
    }

    private void WriteGrant(Session session)
    {
        // SPEC 6.3.6: in 0.0 and 0.1 never a CreditUpdate once either end has sent its End.
        if (MayGrant(session) && session.TakeGrant() is > 0 and var grant)
        {
            FrameWriter.WriteCreditUpdate(_batch, session.Id, (uint)grant);
        }
    }

    private void WriteNew(Session session)
    {
        session.NewPending = false;
        if (session.Sender is DatagramOutput datagrams)
        {
            WriteNew(session, datagrams);
            return;
        }

        int length = session.Credit.Take((int)Math.Min(session.Sender.Length, FirstPayload));
        if (length == 0)
        {
            WriteNewHead(session, globalId: 0);
            AfterData(session, isEmpty: session.Sender.Length == 0);
            return;
        }

        WriteNewHead(session, globalId: 0, length);
        MovePayload(session, length, out bool isEmpty);
        AfterData(session, isEmpty);
    }

    private void WriteNewHead(Session session, ulong globalId, int? length = null)
    {
        if (IsMuxCool)
        {
            FrameWriter.WriteCoolNew(_batch, session.Id, session.Destination, length ?? -1);
        }
        else if (length is { } data)
        {
            FrameWriter.WriteNew(_batch, session.Id, session.Destination, session.Priority, globalId, data);
        }
        else
        {
            FrameWriter.WriteNew(_batch, session.Id, session.Destination, session.Priority, globalId);
        }
    }

    private void WriteData()
    {
        long now = _ready.Count > 0 ? Now : 0;
        while (_batch.HasRoom && _ready.Dequeue(_pace.LowestAllowed(now)) is { } session)
        {
            int before = _batch.Length;
            session.InSendQueue = false;
            WriteData(session);
            _pace.OnSent(session.Priority, _batch.Length - before, now);
        }

        if (_batch.IsEmpty && _ready.Count > 0)
        {
            // Held back for the sake of a higher priority: what is next is a matter of time.
            _paceTimer ??= _time.CreateTimer(
                static state => ((MainConnection)state!)._sendSignal.Set(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _paceTimer.Change(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    private void WriteData(Session session)
    {
        if (session.IsAborted || session.EndSent)
        {
            return;
        }

        WriteOpened(session);
        if (session.Sender is not SessionOutput output)
        {
            WriteDatagrams(session, (DatagramOutput)session.Sender);
            return;
        }

        // A turn is worth as many bytes to everybody, in one frame or in several. Where very many wait a frame is enough, and first windows last
        // for longer than a turn.
        const int VeryMany = 256;
        int most = MaxFramePayload;
        bool more = _ready.Count < VeryMany;
        int turn = most + Slab.Headroom;
        bool isEmpty;
        do
        {
            int length = session.Credit.Take(output.FrameLength(Math.Min(turn, most)));
            if (length == 0)
            {
                return;
            }

            FrameWriter.WriteKeep(_batch, session.Id, length);
            MovePayload(session, length, out isEmpty);
            turn -= length;
        }
        while (!isEmpty && more && turn >= SlabQueue.LargeFrame);
        AfterData(session, isEmpty);
    }

    private void MovePayload(Session session, int length, out bool isEmpty)
    {
        if (((SessionOutput)session.Sender).MoveTo(_batch, length, out isEmpty))
        {
            _writers.Add(session);
        }
    }

    private void AfterData(Session session, bool isEmpty)
    {
        if (!isEmpty)
        {
            if (session.Credit.Available > 0)
            {
                EnqueueDataLocked(session);
            }
        }
        else if (session.CompleteRequested && MayEnd(session))
        {
            WriteEnd(session, ErrorCode.GracefulShutdown);
        }
    }

    private void WriteEnd(Session session, ErrorCode code)
    {
        if (IsMuxCool)
        {
            WriteCoolEnd(session, code);
            return;
        }

        bool first = !session.EndSent;
        if (code == ErrorCode.GracefulShutdown && first && !session.IsAborted)
        {
            WriteOpened(session);
            if (!session.EndReceived && !_isPrivate && session.TakeLastGrant() is > 0 and var grant)
            {
                // SPEC 6.3.4: afterwards there is no granting, so what the answer may need is granted now.
                FrameWriter.WriteCreditUpdate(_batch, session.Id, (uint)grant);
            }
        }

        FrameWriter.WriteEnd(_batch, session.Id, code, _isPrivate ? session.PendingDetail : FailureDetail.None);
        session.EndSent = true;
        if (session.EndReceived)
        {
            session.SetEndCode(code);
            RemoveLocked(session);
            _over.Add(session);
        }
        else if (first && !session.IsAborted)
        {
            _lingering++;
            session.LastReceived = Now;
        }
    }
}
