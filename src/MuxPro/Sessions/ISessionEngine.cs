namespace MuxPro.Sessions;

/// <summary>
/// What a sub-connection asks of the main connection below it, on the threads of its application. Call it without a lock.
/// </summary>
internal interface ISessionEngine
{
    /// <summary>Why the main connection ended, or <see langword="null"/>.</summary>
    MainConnectionException? Failure { get; }

    /// <summary>There are bytes to send.</summary>
    void OnWritten(Session session);

    /// <summary>The application writes no more: an End follows the last byte.</summary>
    void OnWritesCompleted(Session session);

    /// <summary>The application consumed enough for a grant, or for who waits for room.</summary>
    void OnConsumed(Session session);

    /// <summary>The application reads no more.</summary>
    void OnReadsCompleted(Session session);

    /// <summary>A server's sub-connection has reached its target.</summary>
    void OnConfirmed(Session session);

    /// <summary>A datagram found no room.</summary>
    void OnDropped(bool isSent);

    /// <summary>This end gives both directions up.</summary>
    void Abort(Session session, SessionException error);

    /// <summary>A sub-connection is over: the one place that reports it.</summary>
    void OnOver(Session session);
}
