namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>Finds what somebody meant who wrote something else.</summary>
internal static class Spelling
{
    /// <summary>A question for the end of a message, or the right names where none is near.</summary>
    public static string DidYouMean(IReadOnlyCollection<string> right, string written)
    {
        // What has no tag has none to write.
        string[] named = [.. right.Where(static word => word.Length > 0)];
        return Nearest(named, written) is { } near ? $"; did you mean '{near}'?" : named.Length == 0 ? "." : $"; there are {List(named)}.";
    }

    /// <summary>The right words, the one that was likely meant first.</summary>
    public static string OneOf(IReadOnlyCollection<string> right, string written)
    {
        string? near = Nearest(right, written);
        return right.Count == 1
            ? $"'{right.First()}'"
            : $"one of {List(near is null ? right : [near, .. right.Where(word => word != near)])}";
    }

    private static string List(IEnumerable<string> words) => string.Join(", ", words.Select(static word => $"'{word}'"));

    private static string? Nearest(IEnumerable<string> right, string written)
    {
        (string Word, int Distance)? best = null;
        foreach (string word in right)
        {
            int distance = Distance(word.ToLowerInvariant(), written.ToLowerInvariant());
            if (distance <= Math.Max(1, word.Length / 3) && (best is null || distance < best.Value.Distance))
            {
                best = (word, distance);
            }
        }

        return best?.Word;
    }

    /// <summary>How many letters have to be put in, taken out or replaced.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
