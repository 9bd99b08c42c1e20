using MuxPro.Sessions;

namespace MuxPro;

/// <content>The credit of what the session receives, streams and datagrams alike (SPEC 6.3.6).</content>
public sealed partial class Session
{
    /// <summary>What the other end may still send. Guarded by the session's lock.</summary>
    internal InputCredit Incoming;

    /// <summary>Has a grant sent, if <see cref="InputCredit.Consume"/> found that there is one. Call it without a lock.</summary>
    internal void Announce(bool grant)
    {
        if (grant)
        {
            Connection.OnGrant(this);
        }
    }

    /// <inheritdoc cref="InputCredit.TakeGrant"/>
    internal int TakeGrant()
    {
        lock (Sync)
        {
            return Incoming.TakeGrant();
        }
    }

    /// <summary>The credit to grant just before our End, after which there is no granting in 0.0 and 0.1 (SPEC 6.3.4).</summary>
    internal int TakeLastGrant()
    {
        lock (Sync)
        {
            return Incoming.TakeLastGrant(isRead: !_receiver.IsCompleted);
        }
    }

    /// <summary>Gives back what the window holds without need, when nothing was granted since a moment.</summary>
    internal void ReturnUnusedCredit(long since)
    {
        lock (Sync)
        {
            Incoming.ReturnUnused(since);
        }
    }

    /// <inheritdoc cref="InputCredit.Close"/>
    internal void CloseCredit()
    {
        lock (Sync)
        {
            Incoming.Close();
        }
    }
}
