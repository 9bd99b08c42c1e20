namespace MuxPro.Core;

/// <summary>
/// How long to leave alone what failed: a first wait, doubled by each further failure up to the longest, each 20 % shorter or longer so
/// that those who failed together do not come back together. Not thread-safe.
/// </summary>
/// <param name="first">The first wait, in timestamps.</param>
/// <param name="longest">The longest one, before it is made shorter or longer.</param>
internal struct BackOff(long first, long longest)
{
    private const double Jitter = 0.2;
    private const int MostDoublings = 20;

    private int _known;
    private int _failures;

    /// <summary>Whether the last that is known is a failure.</summary>
    public readonly bool IsOn => _failures > 0;

    /// <summary>When the wait is over, while <see cref="IsOn"/>.</summary>
    public long Until { get; private set; }

    /// <summary>How many attempts have begun.</summary>
    public int Begun { get; private set; }

    /// <summary>Whether there is no failure, or its wait is over.</summary>
    public readonly bool IsOver(long now) => !IsOn || now >= Until;

    /// <summary>An attempt begins.</summary>
    /// <returns>Its number, from 0.</returns>
    public int Begin() => Begun++;

    /// <summary>An attempt succeeded: all is well.</summary>
    public void OnSucceeded()
    {
        _known = Begun;
        _failures = 0;
    }

    /// <summary>An attempt failed.</summary>
    /// <param name="attempt">
    /// Its number. One that began before the last result was known tells nothing new: many may fail of the same cause.
    /// </param>
    /// <param name="now">A timestamp.</param>
    /// <param name="random">0 to 1: how much of the jitter.</param>
    public void OnFailed(int attempt, long now, double random)
    {
        if (attempt < _known)
        {
            return;
        }

        _known = Begun;
        long wait = Math.Min(longest, first << Math.Min(_failures, MostDoublings));
        Until = now + (long)(wait * (1 - Jitter + (2 * Jitter * random)));
        _failures++;
    }
}
