using System.Diagnostics;

namespace MuxPro.Core;

/// <summary>
/// What the other end may still send on one sub-connection, when to grant more, and how large the window is (SPEC 6.3.6). Not thread-safe.
/// </summary>
/// <remarks>
/// Each byte of the window is in one of three places: <see cref="Available"/> (the other end may send it), <see cref="Buffered"/>
/// (received, not consumed) or consumed and not granted again. The application's consumption gives credit back at half a window, so that a
/// grant is rare, and at most one grant waits to be sent, whatever is consumed meanwhile.
/// </remarks>
/// <param name="maxWindow">Largest window.</param>
/// <param name="budget">What the window may grow by.</param>
/// <param name="initialWindow">First window.</param>
/// <param name="reserve">Less than this available is too little, where something is consumed: datagrams are not split (SPEC 7.2).</param>
internal struct ReceiveCredit(int maxWindow, WindowBudget budget, int initialWindow = SendCredit.Initial, int reserve = 0)
{
    // With so many times the reserve, a grant is rare for datagrams too.
    private const int RoomyWindow = 4;

    // The last window takes this part of what is left of the budget, so that those that come later find something, and is no less than
    // that whatever is left: a budget that others hold must not cut an answer off.
    private const int LastPart = 4;
    private const int LeastLast = 1024 * 1024;

    private readonly bool _isUnlimited;
    private int _consumed;
    private int _pending; // granted, and not taken by the send loop yet
    private int _grown;
    private int _trickled; // beyond the largest window, a byte at a time
    private bool _isOver;
    private bool _exhausted;
    private bool _drained;
    private bool _hasShare; // counted among those who hold a part of the budget, or want one
    private long _lastGrant;

    /// <summary>Credit that nobody counts: Mux.Cool has none (SPEC 9).</summary>
    /// <param name="budget">What no window grows by.</param>
    public ReceiveCredit(WindowBudget budget)
        : this(SendCredit.Initial, budget) => _isUnlimited = _isOver = true;

    /// <summary>Bytes that may be on their way or unread at any time.</summary>
    public int Window { get; private set; } = initialWindow;

    /// <summary>Bytes that the other end may still send.</summary>
    public int Available { get; private set; } = initialWindow;

    /// <summary>Bytes received that the application has not consumed.</summary>
    public int Buffered { get; private set; }

    /// <summary>Accounts for the payload of a frame.</summary>
    /// <returns>
    /// <see langword="false"/> when the other end sent more than it was granted: the sub-connection ends with 0003 (SPEC 6.3.6).
    /// </returns>
    public bool TryReceive(int count)
    {
        if (count > Available || _isUnlimited)
        {
            return _isUnlimited;
        }

        Available -= count;
        Buffered += count;

        // Less than a quarter left: the other end is about to wait for us, whatever the round trip takes.
        _exhausted |= Available < Window / 4;
        CheckInvariant();
        return true;
    }

    /// <summary>Accounts for what the application consumed.</summary>
    public void Consume(int count)
    {
        if (_isUnlimited)
        {
            return;
        }

        Debug.Assert(count <= Buffered, "More consumed than received.");
        Buffered -= count;
        _consumed += count;
        _drained |= Buffered == 0;
        CheckInvariant();
    }

    /// <summary>Whether something is to be granted.</summary>
    /// <param name="needsMore">The application has seen all that is buffered and waits for more without consuming it.</param>
    public readonly bool IsGrantDue(bool needsMore)
        => !_isOver && (_consumed >= Window / 2 || IsStuck(needsMore) || (_consumed > 0 && IsShort));

    /// <summary>Grants what is due: it waits for <see cref="TakePending"/>.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="roundTrip">The round-trip time in the same unit, or 0 when it is not known.</param>
    /// <param name="needsMore">The application has seen all that is buffered and waits for more without consuming it.</param>
    /// <returns>Whether a grant waits to be sent.</returns>
    public bool Grant(long now, long roundTrip, bool needsMore)
    {
        ReturnExcess();
        _pending += TakeGrant(now, roundTrip, needsMore);
        return _pending > 0;
    }

    /// <summary>The grant that waits to be sent; 0 when there is none. Asked by the send loop when it cuts the frame.</summary>
    public int TakePending()
    {
        int grant = _pending;
        _pending = 0;
        return grant;
    }

    /// <summary>What to grant now.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="roundTrip">The round-trip time in the same unit, or 0 when it is not known.</param>
    /// <param name="needsMore">The application has seen all that is buffered and waits for more without consuming it.</param>
    /// <returns>Bytes to grant; 0 while less than half a window is due.</returns>
    public int TakeGrant(long now, long roundTrip, bool needsMore = false)
    {
        if (!IsGrantDue(needsMore))
        {
            return 0;
        }

        // The window is what limits the sub-connection when the application has read all there was, and either the other end ran out of
        // credit or half a window was used up within one round trip, so that the whole is used up within two.
        bool limits = _drained && (_exhausted || (roundTrip > 0 && now - _lastGrant <= roundTrip));
        if (IsStuck(needsMore))
        {
            Grow(Window);
        }
        else if (limits || (IsShort && Window < RoomyWindow * reserve))
        {
            GrowToShare(Window);
        }

        _lastGrant = now;
        _drained = _exhausted = false;
        return GrantConsumed();
    }

    /// <summary>
    /// What to grant just before our End: afterwards 0.0 and 0.1 have no way to grant (SPEC 6.3.4), so the other end gets at once what the
    /// answer may need: the largest window, as far as a part of what is left of the budget reaches, and 1 MiB whatever is left.
    /// </summary>
    /// <param name="isRead">Whether the application still reads; otherwise there is nothing to grant for.</param>
    public int TakeLastGrant(bool isRead = true)
    {
        int grant = TakePending();
        if (isRead && !_isOver)
        {
            Grow((int)Math.Min(budget.Left / LastPart, maxWindow - Window));
            Widen(Math.Min(LeastLast, maxWindow) - Window);
            grant += GrantConsumed();
        }

        _isOver = true;
        return grant;
    }

    /// <summary>
    /// Grants one byte to an other end that has no credit: the prototype's sender gives up after 30 s without any (SPEC 6.3.6).
    /// </summary>
    /// <returns>Whether a grant waits to be sent.</returns>
    public bool Trickle()
    {
        if (_isOver || Available > 0)
        {
            return false;
        }

        if (_consumed == 0)
        {
            _trickled++;
            Widen(1);
        }

        _consumed--;
        Available++;
        _pending++;
        CheckInvariant();
        return true;
    }

    /// <summary>The other end sends nothing more: there is nothing to grant.</summary>
    public void Stop() => _isOver = true;

    /// <summary>
    /// Gives growth beyond an equal share of the budget back, in steps: of what was consumed, half is granted all the same, so that the
    /// other end can go on.
    /// </summary>
    public void ReturnExcess() => Shrink((int)Math.Min(_grown - budget.Share, _consumed / 2));

    /// <summary>
    /// Gives back what is not granted: the sub-connection has been idle. What was granted stays granted, the other end may use it any
    /// time.
    /// </summary>
    /// <param name="since">A timestamp: only when the last grant was before.</param>
    public void ReturnUnused(long since)
    {
        if (_lastGrant < since)
        {
            Shrink(Math.Min(_grown, _consumed));
            if (_grown == 0)
            {
                Leave();
            }
        }
    }

    /// <summary>Gives the window's growth back to the main connection's budget. Call it once, when the sub-connection is over.</summary>
    public void Close()
    {
        _isOver = true;
        budget.Return(_grown);
        _grown = 0;
        Leave();
    }

    private readonly bool IsShort => Available < reserve;

    private readonly bool IsStuck(bool needsMore) => needsMore && Available < Window / 2;

    private void GrowToShare(int wanted)
    {
        // Who wants a part counts, even while there is none left: the others' shares become smaller, and what they give back is its.
        Enter();
        Grow((int)Math.Clamp(budget.Share - _grown, 0, wanted));
    }

    private void Grow(int wanted)
    {
        int more = budget.Take(Math.Min(wanted, maxWindow - Window));
        if (more > 0)
        {
            Enter();
        }

        Window += more;
        _grown += more;
        _consumed += more;
    }

    /// <summary>Makes the window larger by what belongs to no budget.</summary>
    private void Widen(int count)
    {
        if (count > 0)
        {
            Window += count;
            _consumed += count;
        }
    }

    private void Shrink(int count)
    {
        if (count <= 0)
        {
            return;
        }

        Window -= count;
        _grown -= count;
        _consumed -= count;
        budget.Return(count);
        CheckInvariant();
    }

    private void Enter()
    {
        if (!_hasShare)
        {
            _hasShare = true;
            budget.Enter();
        }
    }

    private void Leave()
    {
        if (_hasShare)
        {
            _hasShare = false;
            budget.Leave();
        }
    }

    private int GrantConsumed()
    {
        int grant = _consumed;
        Available += grant;
        _consumed = 0;
        CheckInvariant();
        return grant;
    }

    [Conditional("DEBUG")]
    private readonly void CheckInvariant()
        => Debug.Assert(
            Available >= 0 && Buffered >= 0 && _consumed >= 0
                && Available + Buffered + _consumed == Window && Window <= maxWindow + _trickled,
            "Each byte of the window is available, buffered or consumed.");
}
