namespace MuxPro.House.Tests;

/// <summary>Slips that are known and still to be mended: a list that can only become shorter.</summary>
internal static class Exemptions
{
    /// <summary>Fails on a slip that is not listed, and on a listed one that is no more.</summary>
    public static void Check<T>(IEnumerable<T> slips, Func<T, string> nameOf, string[] exemptions)
        where T : notnull
    {
        T[] found = [.. slips];
        IEnumerable<string> fresh = found.Where(slip => !exemptions.Contains(nameOf(slip))).Select(slip => slip.ToString()!);
        IEnumerable<string> mended = exemptions.Except(found.Select(nameOf))
            .Select(name => $"\"{name}\" is exempt and no longer needs to be: take it off the list.");
        string[] complaints = [.. fresh, .. mended];
        Assert.True(complaints.Length == 0, string.Join('\n', complaints));
    }
}
