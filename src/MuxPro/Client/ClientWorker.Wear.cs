namespace MuxPro;

/// <content>When a worker ends because of its age, its work, or because nobody needs it.</content>
public sealed partial class ClientWorker
{
    private const long Busy = long.MaxValue;

    /// <summary>
    /// How long until time alone ends it, by age or because it idles, or <see langword="null"/> if that will not happen or has happened.
    /// </summary>
    internal TimeSpan? TimeLeft
    {
        get
        {
            lock (_gate)
            {
                long now = _connection.Now;
                long age = _limits.Age == WearLimits.None ? 0 : _limits.Age - (now - _started);
                long idle = _limits.Idle == WearLimits.None || _idleSince == Busy ? 0 : _limits.Idle - (now - _idleSince);
                long left = age <= 0 ? idle : idle <= 0 ? age : Math.Min(age, idle);
                return left <= 0 ? null : _connection.Time.GetElapsedTime(0, left);
            }
        }
    }

    /// <summary>Whether nothing is open on it, or about to be, and there is room.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _idleSince != Busy && HasRoom;
            }
        }
    }

    private bool IsWornOut
        => _isRetired
        || _total + _reserved >= _limits.Sessions
        || (_limits.Bytes != WearLimits.None && _connection.BytesMoved >= _limits.Bytes)
        || (_limits.Age != WearLimits.None && _connection.Now - _started >= _limits.Age);

    /// <summary>Lets the main connection close if nothing was open on it for as long as it may idle.</summary>
    internal void RetireIfIdle()
    {
        lock (_gate)
        {
            if (!_isRetired && _idleSince != Busy && _limits.Idle != WearLimits.None && _connection.Now - _idleSince >= _limits.Idle)
            {
                RetireNowLocked();
            }
        }
    }

    /// <summary>Lets the main connection close, once nothing is open, if it is worn out. Age needs somebody who looks.</summary>
    internal void RetireIfWornOut()
    {
        lock (_gate)
        {
            RetireLocked();
        }
    }

    // ---- under the gate ---------------------------------------------------------------------------------------------------

    private void LookWhetherIdleLocked() => _idleSince = _connection.ActiveSessions == 0 && _reserved == 0 ? _connection.Now : Busy;

    private void RetireLocked()
    {
        // Who has a place may still open there.
        if (!_isRetired && _reserved == 0 && IsWornOut)
        {
            RetireNowLocked();
        }
    }

    private void RetireNowLocked()
    {
        _isRetired = true;

        // On the thread pool: with nothing open this closes, and the caller may hold a pool's lock.
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Retire(), _connection, preferLocal: false);
    }
}
