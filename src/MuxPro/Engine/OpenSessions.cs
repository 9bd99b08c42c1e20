using MuxPro.Core;
using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// The sub-connections of a main connection: who holds which id, how many are open, how many linger. Guarded by the gate.
/// </summary>
/// <param name="context">What they share.</param>
/// <param name="onEmpty">Called under the gate when the last open one has ended.</param>
internal sealed class OpenSessions(SessionContext context, Action onEmpty)
{
    private readonly SessionTable<Session> _table = new();
    private int _active;

    /// <summary>Sub-connections that have not ended. To be read without the gate, too.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Ids in use.</summary>
    public int Count => _table.Count;

    /// <summary>Sub-connections that have sent all they had to send, and still listen (SPEC 6.3.4).</summary>
    public int Lingering { get; private set; }

    /// <summary>Sub-connections whose other end has sent all it had to send, and that still answer (SPEC 6.3.4).</summary>
    public int Answering { get; private set; }

    /// <summary>The holder of an id, or <see langword="null"/>.</summary>
    public Session? this[ushort id] => _table[id];

    /// <inheritdoc cref="SessionTable{T}.TryAllocate"/>
    public bool TryAllocate(out ushort id) => _table.TryAllocate(out id);

    /// <inheritdoc cref="SessionTable{T}.IsAfter"/>
    public bool IsAfter(ushort id, ushort other) => _table.IsAfter(id, other);

    /// <inheritdoc cref="SessionTable{T}.TryAnswer"/>
    public bool TryAnswer(ushort id) => _table.TryAnswer(id);

    /// <summary>Adds a session that starts.</summary>
    public void Add(Session session)
    {
        _table.Add(session.Id, session);
        session.Opened = session.LastReceived = context.Now;
        _active++;
    }

    /// <inheritdoc cref="SessionTable{T}.GetEnumerator"/>
    public SessionTable<Session>.Enumerator GetEnumerator() => _table.GetEnumerator();

    /// <summary>Ends all of them, because the main connection is gone.</summary>
    /// <param name="code">How they end.</param>
    /// <param name="error">Why.</param>
    /// <param name="drop">Whether what they received before is dropped.</param>
    /// <returns>Whom to tell, without a lock.</returns>
    public List<Wakeups> EndAll(ErrorCode code, Exception error, bool drop)
    {
        var wakeups = new List<Wakeups>();
        foreach (Session session in this)
        {
            if (!session.State.IsAborted)
            {
                wakeups.Add(Wakeups.Stop(session, code, error, drop));
            }

            Discard(session);
        }

        return wakeups;
    }

    /// <summary>Ends one without a word to the other end.</summary>
    public void Discard(Session session)
    {
        SessionState before = session.State;
        session.State.Discard();
        Settle(session, before);
    }

    /// <summary>Books what a transition of a session has changed: counts, and the id of one that is over.</summary>
    /// <param name="session">The session.</param>
    /// <param name="before">What it was before.</param>
    public void Settle(Session session, in SessionState before)
    {
        if (before.IsLingering != session.State.IsLingering)
        {
            Lingering += before.IsLingering ? -1 : 1;
        }

        if (before.IsAnswering != session.State.IsAnswering)
        {
            Answering += before.IsAnswering ? -1 : 1;
        }

        if (!before.IsOver && session.State.IsOver)
        {
            _table.Remove(session.Id);
            session.CloseCredit();
        }

        if (before.IsLive && !session.State.IsLive && --_active == 0)
        {
            onEmpty();
        }
    }
}
