namespace MuxPro.Engine;

/// <summary>
/// Readers for whom something has come: they go on when the receive loop has time for that, the last one on its thread. The receive
/// loop's.
/// </summary>
internal sealed class WaitingReaders
{
    private readonly List<Session> _readers = [];

    /// <summary>Adds one.</summary>
    public void Add(Session reader) => _readers.Add(reader);

    /// <summary>Lets all go on, on the pool.</summary>
    public void Wake()
    {
        foreach (Session reader in _readers)
        {
            reader.Receiver.Wake();
        }

        _readers.Clear();
    }

    /// <summary>Lets all go on but the last one.</summary>
    /// <returns>That one: it goes on on this thread, once the next receive is under way and the thread has nothing else to do.</returns>
    public Session? TakeLast()
    {
        if (_readers.Count == 0)
        {
            return null;
        }

        Session last = _readers[^1];
        _readers.RemoveAt(_readers.Count - 1);
        Wake();
        return last;
    }
}
