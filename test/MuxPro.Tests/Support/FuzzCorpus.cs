namespace MuxPro.Tests.Support;

/// <summary>The inputs of the fuzz targets.</summary>
internal static class FuzzCorpus
{
    /// <summary>The names of the inputs of a target.</summary>
    public static TheoryData<string> Of(string target) => [.. Directory.GetFiles(Folder(target)).Select(path => Path.GetFileName(path))];

    public static byte[] Read(string target, string file) => File.ReadAllBytes(Path.Combine(Folder(target), file));

    private static string Folder(string target) => Path.Combine(AppContext.BaseDirectory, "Corpus", target);
}
