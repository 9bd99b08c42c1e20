using MuxPro.Protocol;

namespace MuxPro.Core;

/// <summary>
/// The life of a sub-connection at one end: which frames may go out, which are due, and when the id is free again (SPEC 6.3). It waits
/// for nothing, knows no time and is not thread-safe; each transition returns what is due now.
/// </summary>
/// <remarks>
/// <code>
///   client: Unsent                       server: a New came in
///              | New goes out                       |
///              +----------------+  +----------------+
///                               v  v
///                               Open
///                              /    \
///               End 0000 out  /      \  End 0000 in
///                            v        v
///                    Lingering        Answering
///                            \        /
///                End 0000 in  \      /  End 0000 out
///                              v    v
///                               Over                   the id is free
///
///   from                        by                     to         due
///   Unsent                      Abort                  Over       nothing: the other end never heard of it
///   Open, Lingering, Answering  Abort                  Aborted    End with the code
///   Open, Answering             End with a code in     Aborted    End 0000
///   Lingering                   End with a code in     Over       nothing
///   Aborted                     both Ends exchanged    Over       nothing
/// </code>
/// Mux.Cool (SPEC 9) has no half-close: Open goes to Over with the first End, whichever end sends it.
/// </remarks>
internal struct SessionState
{
    private readonly Dialect _dialect;
    private readonly bool _isClient;
    private bool _isConfirmed;
    private bool _isAnswerGivenUp;
    private ErrorCode? _abort;

    /// <summary>A sub-connection that starts: at a client its New is due, at a server it came in.</summary>
    public SessionState(bool isClient, Dialect dialect)
    {
        _dialect = dialect;
        _isClient = isClient;
        IsNewDue = isClient;
        IsStarted = !isClient;
        IsOpenedDue = !isClient && dialect.HasOpenResult;
    }

    /// <summary>Whether our New has not gone out yet: the other end knows nothing of the sub-connection.</summary>
    public bool IsNewDue { get; private set; }

    /// <summary>Whether the other end is owed the word that the target is reached (SPEC 8). Nothing goes out ahead of it.</summary>
    public bool IsOpenedDue { get; private set; }

    /// <summary>Whether there was a sign that the other end has started the sub-connection.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether the application writes no more.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether we have sent an End.</summary>
    public bool EndSent { get; private set; }

    /// <summary>Whether the other end has sent an End.</summary>
    public bool EndReceived { get; private set; }

    /// <summary>Whether both directions were given up at once.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>What an abort says beside its code (SPEC 8).</summary>
    public FailureDetail Detail { get; private set; }

    /// <summary>Whether both ends have sent End: nothing is owed, and the id is free (SPEC 6).</summary>
    public readonly bool IsOver => EndSent && EndReceived;

    /// <summary>Whether it counts as open.</summary>
    public readonly bool IsLive => !IsAborted && !IsOver;

    /// <summary>Whether this end has said all it had to say and still listens (SPEC 6.3.4).</summary>
    public readonly bool IsLingering => EndSent && !EndReceived && !IsAborted;

    /// <summary>Whether the other end has said all it had to say, and this end still answers (SPEC 6.3.4).</summary>
    public readonly bool IsAnswering => EndReceived && !EndSent && !IsAborted;

    /// <summary>Whether payload may go out in a Keep.</summary>
    public readonly bool MaySend => !IsNewDue && !EndSent && !IsAborted;

    /// <summary>
    /// Whether credit may be granted. SPEC 6.3.6: in 0.0 and 0.1 never for a sub-connection for which we have sent or received End. SPEC
    /// 8: until the other end's.
    /// </summary>
    public readonly bool MayGrant => !IsAborted && !EndReceived && (!EndSent || _dialect.GrantsAfterEnd);

    /// <summary>The code of the next End: an abort's, or 0000 for an orderly end and for an answer.</summary>
    public readonly ErrorCode EndingCode => _abort ?? ErrorCode.GracefulShutdown;

    /// <summary>The frames that are due ahead of data. Data itself is a matter of bytes and credit.</summary>
    /// <param name="hasUnsent">Whether bytes wait to be sent.</param>
    /// <param name="isAnswerRead">Whether the application waits for what the other end has yet to say.</param>
    public readonly SessionDue Due(bool hasUnsent, bool isAnswerRead)
    {
        if (_abort is not null)
        {
            return SessionDue.End;
        }

        if (EndSent)
        {
            // SPEC 8: the private version grants after its End too, until the other end's.
            return MayGrant ? SessionDue.Grant : SessionDue.None;
        }

        if (IsAborted)
        {
            // SPEC 6.3.4: the answer to an End with a code is an End 0000, if none was sent yet.
            return SessionDue.End;
        }

        if (IsNewDue)
        {
            return SessionDue.New;
        }

        return (_isConfirmed && IsOpenedDue ? SessionDue.Opened : SessionDue.None)
            | (MayGrant ? SessionDue.Grant : SessionDue.None)
            | (!hasUnsent && MayEnd(isAnswerRead) ? SessionDue.End : SessionDue.None);
    }

    /// <summary>
    /// Whether the orderly End may follow the last byte. SPEC 9: a client's End in Mux.Cool would take the answer away, so it waits until
    /// the answer has ended, nobody reads it, or nothing comes any more.
    /// </summary>
    /// <param name="isAnswerRead">Whether the application waits for what the other end has yet to say.</param>
    public readonly bool MayEnd(bool isAnswerRead)
        => IsComplete && (!_dialect.EndsBothDirections || !_isClient || _isAnswerGivenUp || !isAnswerRead);

    // ---- what this end does -----------------------------------------------------------------------------------------------

    /// <summary>The application writes no more.</summary>
    /// <param name="hasUnsent">Whether bytes wait to be sent.</param>
    public SessionDue Complete(bool hasUnsent)
    {
        if (IsAborted || IsComplete)
        {
            return SessionDue.None;
        }

        // Behind data the End goes with the last of it.
        IsComplete = true;
        return !hasUnsent ? SessionDue.End : IsNewDue ? SessionDue.None : SessionDue.Data;
    }

    /// <summary>The server has reached the target.</summary>
    public SessionDue Confirm()
    {
        if (!IsOpenedDue || _isConfirmed || IsAborted || EndSent)
        {
            return SessionDue.None;
        }

        _isConfirmed = true;
        return SessionDue.Opened;
    }

    /// <summary>SPEC 9: nothing has come for so long that the answer is not waited for any more.</summary>
    public SessionDue GiveUpAnswer()
    {
        _isAnswerGivenUp = true;
        return SessionDue.End;
    }

    /// <summary>Gives both directions up. A sub-connection that the other end never heard of is over at once.</summary>
    /// <param name="code">What the other end is told.</param>
    /// <param name="detail">What it is told beside the code, in the private version.</param>
    public SessionDue Abort(ErrorCode code, FailureDetail detail = FailureDetail.None)
    {
        if (!IsLive)
        {
            return SessionDue.None;
        }

        GiveUp();
        if (IsNewDue)
        {
            EndSent = EndReceived = true;
            return SessionDue.None;
        }

        (_abort, Detail) = (code, detail);
        return SessionDue.End;
    }

    /// <summary>The other end broke a rule after this end had given up: it is owed a word on that.</summary>
    public SessionDue Complain(ErrorCode code)
    {
        if (EndReceived)
        {
            return SessionDue.None;
        }

        _abort = code;
        return SessionDue.End;
    }

    /// <summary>Ends it without a word: the main connection is gone, or the other end has said that it never started it (SPEC 8).</summary>
    public void Discard()
    {
        GiveUp();
        EndSent = EndReceived = true;
        _abort = null;
    }

    /// <summary>Our New went out.</summary>
    public void OnNewSent() => IsNewDue = false;

    /// <summary>The word that the target is reached goes out, if it is owed.</summary>
    /// <returns>Whether it is.</returns>
    public bool TakeOpened()
    {
        bool isDue = IsOpenedDue;
        IsOpenedDue = false;
        return isDue;
    }

    /// <summary>An End goes out. Afterwards it is over, or lingers, or waits for the other end's answer.</summary>
    /// <returns>Its code.</returns>
    public ErrorCode TakeEnd()
    {
        ErrorCode code = EndingCode;
        EndSent = true;
        EndReceived |= _dialect.EndsBothDirections;
        _abort = null;
        return code;
    }

    // ---- what came in -----------------------------------------------------------------------------------------------------

    /// <summary>A Keep came in.</summary>
    /// <param name="isSign">Whether it has payload or says OPENED (SPEC 8): a sign that the target is reached.</param>
    /// <returns>Whether it is the first such sign.</returns>
    public bool OnKeep(bool isSign)
    {
        if (!isSign || IsStarted || IsAborted)
        {
            return false;
        }

        return IsStarted = true;
    }

    /// <summary>Whether an End that came in says something new. SPEC 6.3.4: expect it twice, and for ids that were never opened.</summary>
    public readonly bool IsNews(ErrorCode code) => !EndReceived || (code != ErrorCode.GracefulShutdown && !IsAborted);

    /// <summary>An End came in.</summary>
    /// <param name="code">Its code; any but 0000 ends both directions at once (SPEC 6.3.4).</param>
    public SessionDue OnEnd(ErrorCode code)
    {
        EndReceived = true;
        if (_dialect.EndsBothDirections)
        {
            // SPEC 9: there is no half-close, and no answer.
            EndSent = true;
            IsAborted |= code != ErrorCode.GracefulShutdown;
            _abort = null;
            return SessionDue.None;
        }

        if (IsAborted)
        {
            return Owed();
        }

        if (code == ErrorCode.GracefulShutdown)
        {
            IsStarted = true;
            return SessionDue.None;
        }

        GiveUp();
        return Owed();
    }

    // Nothing is owed for an id that may be another's by the time it is sent.
    private SessionDue Owed()
    {
        _abort = EndSent ? null : _abort;
        return EndSent ? SessionDue.None : SessionDue.End;
    }

    private void GiveUp()
    {
        IsAborted = true;
        IsOpenedDue = _isConfirmed = false;
    }
}
