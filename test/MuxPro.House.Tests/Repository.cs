namespace MuxPro.House.Tests;

internal static class Repository
{
    /// <summary>The folder of <c>Mux.slnx</c>, above the tests' own.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mux.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No Mux.slnx in or above {AppContext.BaseDirectory}.");
    }
}
