using MuxPro.Core;
using MuxPro.Engine;

namespace MuxPro.Sessions;

/// <summary>
/// The credit of what a session receives, and the grant that waits to be sent: at most one per sub-connection, whatever is consumed meanwhile.
/// Guarded by the session's lock.
/// </summary>
/// <param name="connection">Has the budget, the clock and the round-trip time.</param>
/// <param name="reserve">So many bytes the other end can always send once all is consumed: the largest piece that cannot be split.</param>
internal struct InputCredit(MainConnection connection, int reserve = 0)
{
    private ReceiveCredit _credit = new(
        Math.Max(connection.Options.MaxWindow, connection.InitialWindow), connection.WindowBudget, connection.InitialWindow, reserve);
    private readonly bool _isUnlimited = connection.IsMuxCool;
    private int _pendingGrant;
    private bool _isOver;

    /// <summary>Bytes that may be on their way or unread at any time.</summary>
    public readonly int Window => _credit.Window;

    /// <summary>Bytes received and not consumed.</summary>
    public readonly int Buffered => _credit.Buffered;

    /// <inheritdoc cref="ReceiveCredit.TryReceive"/>
    public bool TryReceive(int count) => _isUnlimited || _credit.TryReceive(count);

    /// <summary>Gives credit back for what was consumed.</summary>
    /// <param name="count">Bytes.</param>
    /// <param name="needsMore">The application has seen all that is buffered and waits for more without consuming it.</param>
    /// <returns>Whether there is a grant to announce, outside the lock.</returns>
    public bool Consume(int count, bool needsMore = false)
    {
        if (_isUnlimited)
        {
            // SPEC 9: nothing is granted, but the receive loop may wait for it.
            return connection.IsStalled;
        }

        if (count > 0)
        {
            _credit.Consume(count);
        }

        if (_isOver || !_credit.IsGrantDue(needsMore))
        {
            return false;
        }

        _credit.ReturnExcess();
        _pendingGrant += _credit.TakeGrant(connection.Now, connection.RoundTripTicks, needsMore);
        return _pendingGrant > 0;
    }

    /// <summary>The credit to grant now; 0 when there is none. Asked by the send loop when it cuts the frame.</summary>
    public int TakeGrant()
    {
        int grant = _pendingGrant;
        _pendingGrant = 0;
        return grant;
    }

    /// <summary>The credit to grant just before our End, after which there is no granting in 0.0 and 0.1 (SPEC 6.3.4).</summary>
    /// <param name="isRead">Whether the application still reads.</param>
    public int TakeLastGrant(bool isRead)
    {
        int grant = _pendingGrant + (!_isOver && isRead ? _credit.TakeLastGrant() : 0);
        _isOver = true;
        _pendingGrant = 0;
        return grant;
    }

    /// <inheritdoc cref="ReceiveCredit.ReturnUnused"/>
    public void ReturnUnused(long since) => _credit.ReturnUnused(since);

    /// <summary>The other end sends nothing more: there is nothing to grant.</summary>
    public void Stop() => _isOver = true;

    /// <summary>The sub-connection is over: its window goes back to the main connection.</summary>
    public void Close()
    {
        _isOver = true;
        _credit.Close();
    }
}
