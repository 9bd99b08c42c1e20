namespace MuxPro.Core;

/// <summary>The phases of a main connection's life, in order: it only goes forward.</summary>
internal enum LifePhase : byte
{
    /// <summary>Sub-connections are opened.</summary>
    Open,

    /// <summary>It closes when the last sub-connection has ended: it is worn out, or one of the ends goes away (SPEC 8).</summary>
    Retiring,

    /// <summary>What can be sent is sent; nothing is opened any more.</summary>
    Closing,

    /// <summary>This end has told the transport that nothing more comes, and waits for the other end to close too.</summary>
    CloseSent,

    /// <summary>It is gone.</summary>
    Ended,
}

/// <summary>The life of a main connection: which phase it is in, and how an orderly close ends. Not thread-safe.</summary>
internal struct ConnectionLife
{
    private MainConnectionException? _failure;
    private bool _isClosedByPeer; // a GoAway asked for the close that is under way

    /// <summary>Where it is.</summary>
    public LifePhase Phase { get; private set; }

    /// <summary>SPEC 8: whether the other end has said that it takes no new sub-connections.</summary>
    public bool PeerGoesAway { get; private set; }

    /// <summary>Why it ended, or <see langword="null"/>. To be read from any thread.</summary>
    public MainConnectionException? Failure => Volatile.Read(ref _failure);

    /// <summary>Whether this end closes or has closed it.</summary>
    public readonly bool IsClosing => Phase >= LifePhase.Closing;

    /// <summary>Closes when nothing is open any more.</summary>
    /// <param name="active">Sub-connections that are open.</param>
    /// <returns>Whether an orderly close begins.</returns>
    public bool Retire(int active)
    {
        if (Phase == LifePhase.Open)
        {
            Phase = LifePhase.Retiring;
        }

        return active == 0 && Close(active);
    }

    /// <summary>SPEC 8: the other end takes no new sub-connections.</summary>
    /// <inheritdoc cref="Retire"/>
    public bool OnGoAway(int active)
    {
        PeerGoesAway = true;
        return Retire(active);
    }

    /// <summary>The last sub-connection has ended.</summary>
    /// <returns>Whether an orderly close begins.</returns>
    public bool OnEmpty() => Phase == LifePhase.Retiring && Close(active: 0);

    /// <summary>Ends in order.</summary>
    /// <param name="active">Sub-connections that are open.</param>
    /// <returns>Whether the close begins with this.</returns>
    public bool Close(int active)
    {
        if (Phase >= LifePhase.Closing)
        {
            return false;
        }

        Phase = LifePhase.Closing;
        _isClosedByPeer = PeerGoesAway && active == 0;
        return true;
    }

    /// <summary>Whether it is time to tell the other end that nothing more comes. Once.</summary>
    public bool TakeClose()
    {
        if (Phase != LifePhase.Closing)
        {
            return false;
        }

        Phase = LifePhase.CloseSent;
        return true;
    }

    /// <summary>It is gone.</summary>
    /// <param name="failure">Why, as it was seen.</param>
    /// <returns>Why, as it is told: between our own orderly close and the other end's, whatever happens is the end of that close.</returns>
    public MainConnectionException End(MainConnectionException failure)
    {
        bool isEndOfClose = Phase == LifePhase.CloseSent
            && failure.Reason is MainConnectionEnd.TransportFailed or MainConnectionEnd.ClosedByPeer or MainConnectionEnd.Timeout;
        MainConnectionException told = isEndOfClose ? Closed() : failure;
        Phase = LifePhase.Ended;
        _failure = told;
        return told;
    }

    /// <summary>Nothing is opened on a main connection that is gone, or about to be.</summary>
    /// <exception cref="MainConnectionException">It is.</exception>
    public void ThrowIfClosing()
    {
        if (_failure is not null)
        {
            throw MuxErrors.Copy(_failure);
        }

        if (PeerGoesAway)
        {
            throw new MainConnectionException(
                MainConnectionEnd.GoingAway, "The other end goes away and takes no new sub-connections.");
        }

        if (IsClosing)
        {
            throw new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection is closing.");
        }
    }

    /// <summary>
    /// How an orderly close ends. One that a GoAway asked for is the other end's, whichever end is the first to close the transport.
    /// </summary>
    public readonly MainConnectionException Closed() => _isClosedByPeer
        ? new MainConnectionException(MainConnectionEnd.ClosedByPeer, "The other end went away, and nothing was open any more.")
        : new MainConnectionException(MainConnectionEnd.ClosedLocally, "The main connection was closed.");
}
