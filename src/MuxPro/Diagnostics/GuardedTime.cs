namespace MuxPro.Diagnostics;

/// <summary>
/// The application's clock, as this library uses it: where it throws, time goes on by the system's. Timers run on threads of their own, on
/// which an exception would end the process, and everything that waits is bounded by one.
/// </summary>
internal sealed class GuardedTime : TimeProvider
{
    private readonly TimeProvider _inner;
    private readonly long _frequency;
    private long _last; // what the clock said last
    private long _failedAt; // the system's timestamp since when it says nothing; 0 while it works

    private GuardedTime(TimeProvider inner)
    {
        _inner = inner;
        _frequency = inner.TimestampFrequency;
    }

    public override long TimestampFrequency => _frequency;

    public override TimeZoneInfo LocalTimeZone => _inner.LocalTimeZone;

    /// <summary>The clock of an application.</summary>
    public static TimeProvider Over(TimeProvider time) => time == System || time is GuardedTime ? time : new GuardedTime(time);

    public override long GetTimestamp()
    {
        try
        {
            long now = _inner.GetTimestamp();
            Volatile.Write(ref _last, now);
            Volatile.Write(ref _failedAt, 0);
            return now;
        }
        catch (Exception)
        {
            long now = System.GetTimestamp();
            long since = Interlocked.CompareExchange(ref _failedAt, now, 0);
            return Volatile.Read(ref _last)
                + (since == 0 ? 0 : (long)(System.GetElapsedTime(since, now).TotalSeconds * _frequency));
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        try
        {
            return _inner.GetUtcNow();
        }
        catch (Exception)
        {
            return System.GetUtcNow();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        try
        {
            return new GuardedTimer(_inner.CreateTimer(callback, state, dueTime, period));
        }
        catch (Exception)
        {
            return System.CreateTimer(callback, state, dueTime, period);
        }
    }

    private sealed class GuardedTimer(ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            try
            {
                return inner.Change(dueTime, period);
            }
            catch (Exception)
            {
                return false;
            }
        }

        public void Dispose()
        {
            try
            {
                inner.Dispose();
            }
            catch (Exception)
            {
                // It was to stop, and has.
            }
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                await inner.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception)
            {
                // It was to stop, and has.
            }
        }
    }
}
