using MuxPro.Core;

namespace MuxPro;

/// <content>The credit of what the session receives, streams and datagrams alike (SPEC 6.3.6).</content>
public sealed partial class Session
{
    /// <summary>What the other end may still send. Guarded by the session's lock.</summary>
    internal ReceiveCredit Incoming;

    /// <summary>Gives credit back for what was consumed. Under the session's lock.</summary>
    /// <param name="count">Bytes.</param>
    /// <param name="needsMore">The application has seen all that is buffered and waits for more without consuming it.</param>
    /// <returns>Whether there is something to <see cref="Announce"/>, outside the lock.</returns>
    internal bool Consume(int count, bool needsMore = false)
    {
        Incoming.Consume(count);

        // SPEC 9: in Mux.Cool nothing is granted, but the receive loop may wait for it.
        return Incoming.IsGrantDue(needsMore) ? Incoming.Grant(Context.Now, Context.RoundTripTicks, needsMore) : Context.IsStalled;
    }

    /// <summary>Tells the main connection what <see cref="Consume"/> found. Call it without a lock.</summary>
    internal void Announce(bool consumed)
    {
        if (consumed)
        {
            Context.Engine.OnConsumed(this);
        }
    }

    /// <inheritdoc cref="ReceiveCredit.TakePending"/>
    internal int TakeGrant()
    {
        lock (Sync)
        {
            return Incoming.TakePending();
        }
    }

    /// <inheritdoc cref="ReceiveCredit.TakeLastGrant"/>
    internal int TakeLastGrant()
    {
        lock (Sync)
        {
            return Incoming.TakeLastGrant(isRead: !_receiver.IsCompleted);
        }
    }

    /// <summary>Nothing is granted any more.</summary>
    internal void StopCredit()
    {
        lock (Sync)
        {
            Incoming.Stop();
        }
    }

    /// <inheritdoc cref="ReceiveCredit.Trickle"/>
    internal bool TrickleCredit()
    {
        // A datagram is not split to fit, and a byte that arrives where too much waits already would end the sub-connection.
        if (_receiver.IsWhole || Context.Unread.IsOver)
        {
            return false;
        }

        lock (Sync)
        {
            return Incoming.Trickle();
        }
    }

    /// <inheritdoc cref="ReceiveCredit.ReturnUnused"/>
    internal void ReturnUnusedCredit(long since)
    {
        lock (Sync)
        {
            Incoming.ReturnUnused(since);
        }
    }

    /// <inheritdoc cref="ReceiveCredit.Close"/>
    internal void CloseCredit()
    {
        lock (Sync)
        {
            Incoming.Close();
        }
    }
}
