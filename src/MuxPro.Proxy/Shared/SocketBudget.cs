using System.Globalization;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// How many sockets may be open. The runtime needs file descriptors too and may abort the process where it gets none, so some stay out of
/// reach of whoever connects. Safe to use from many threads.
/// </summary>
internal sealed class SocketBudget(int limit)
{
    private const int Reserve = 128;
    private const string LimitsFile = "/proc/self/limits";

    private int _open;

    /// <summary>The budget of this process.</summary>
    public static SocketBudget OfProcess { get; } = new(LimitOfProcess());

    public int Limit => limit;

    /// <summary>How many places are taken.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Takes a place where there is one; each needs its <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= limit)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        return false;
    }

    /// <summary>Takes a place out of the reserve if it must be.</summary>
    public void Enter() => Interlocked.Increment(ref _open);

    public void Leave() => Interlocked.Decrement(ref _open);

    /// <summary>Finds how many sockets may be open in what Linux says about the limits of a process.</summary>
    internal static int Parse(string limits)
    {
        // | Max open files | soft | hard | files |
        string[] words = limits.Split('\n').FirstOrDefault(line => line.StartsWith("Max open files ", StringComparison.Ordinal))
            ?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 3 && int.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out int files)
            ? Math.Max(files - Reserve, files / 2)
            : int.MaxValue;
    }

    private static int LimitOfProcess()
    {
        try
        {
            return Parse(File.ReadAllText(LimitsFile));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Not Linux.
            return int.MaxValue;
        }
    }
}
