namespace MuxPro.Core;

/// <summary>
/// Decides when a pool dials: one dial per missing worker, however many wait for it; after a failure one at a time, each after a wait
/// (<see cref="BackOff"/>). A dial is late when nothing has come through for some seconds: then one at a time is begun in the place of such
/// dials, which may still come through. Not thread-safe.
/// </summary>
/// <param name="capacity">How many waiters a new worker is good for, as far as is known.</param>
/// <param name="ticksPerSecond">Timestamps per second.</param>
internal sealed class DialPlan(int capacity, long ticksPerSecond)
{
    // Well beyond what a far and busy server takes, and well below the time in which a negotiation has to be done.
    private const int LateAfterSeconds = 5;
    private const int LongestWaitSeconds = 5;

    private readonly List<Dial> _underWay = [];
    private BackOff _backOff = new(ticksPerSecond / 10, LongestWaitSeconds * ticksPerSecond);
    private long _succeeded = long.MinValue / 2; // the last time that one came through: a busy server is slow, but works

    /// <summary>How many waiters a new worker is good for.</summary>
    public int Capacity { get; set => field = Math.Max(1, value); } = Math.Max(1, capacity);

    /// <summary>How many dials have begun; those to come have this number and higher ones.</summary>
    public int Begun => _backOff.Begun;

    /// <summary>Whether no dial is under way.</summary>
    public bool IsIdle => _underWay.Count == 0;

    /// <summary>How many waiters the dials that are under way, and not late, will serve.</summary>
    public long Expected
    {
        get
        {
            long dials = 0;
            foreach (Dial dial in _underWay)
            {
                dials += dial.IsLate ? 0 : 1;
            }

            return dials * Capacity;
        }
    }

    /// <summary>Begins a dial if one is missing and may begin now. Ask until there is none.</summary>
    /// <param name="waiters">How many wait for a worker.</param>
    /// <param name="now">A timestamp.</param>
    /// <param name="random">0 to 1.</param>
    public Dial? TryBegin(int waiters, long now, double random)
    {
        foreach (Dial dial in _underWay)
        {
            if (!dial.IsLate && now >= LateAt(dial))
            {
                dial.IsLate = true;
                _backOff.OnFailed(dial.Number, now, random);
            }
        }

        long expected = Expected;
        bool oneAtATime = _backOff.IsOn || waiters <= (long)_underWay.Count * Capacity;
        if (waiters <= expected || (oneAtATime && expected > 0) || !_backOff.IsOver(now))
        {
            return null;
        }

        var begun = new Dial(_backOff.Begin(), now);
        _underWay.Add(begun);
        return begun;
    }

    /// <summary>A dial made a worker.</summary>
    public void OnSucceeded(Dial dial, long now)
    {
        _underWay.Remove(dial);
        _succeeded = now;
        _backOff.OnSucceeded();
    }

    /// <summary>A dial failed. Those who wait for it get its error: see <see cref="WaitsFor"/>.</summary>
    public void OnFailed(Dial dial, long now, double random)
    {
        _underWay.Remove(dial);
        _backOff.OnFailed(dial.Number, now, random);
    }

    /// <summary>Whether the first of the waiters waited for a dial that failed.</summary>
    /// <param name="dial">The dial.</param>
    /// <param name="waiters">How many wait for a worker.</param>
    /// <param name="since">What <see cref="Begun"/> was when the first of them began to wait.</param>
    public bool WaitsFor(Dial dial, int waiters, int since)
        // Once it was late others were begun in its place: it is the end for those who have waited as long as it took, and for nobody else.
        => dial.IsLate ? since <= dial.Number : waiters > Expected;

    /// <summary>When to ask <see cref="TryBegin"/> again though nothing happens; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDue(int waiters)
    {
        if (waiters == 0)
        {
            return long.MaxValue;
        }

        long due = long.MaxValue;
        foreach (Dial dial in _underWay)
        {
            if (!dial.IsLate)
            {
                due = Math.Min(due, LateAt(dial));
            }
        }

        return due == long.MaxValue && _backOff.IsOn ? _backOff.Until : due;
    }

    private long LateAt(Dial dial) => Math.Max(dial.Started, _succeeded) + (LateAfterSeconds * ticksPerSecond);

    /// <summary>A dial that is under way.</summary>
    public sealed class Dial(int number, long started)
    {
        public int Number => number;

        public long Started => started;

        public bool IsLate { get; set; }
    }
}
