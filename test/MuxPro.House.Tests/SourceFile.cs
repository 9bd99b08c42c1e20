namespace MuxPro.House.Tests;

/// <summary>A file of the repository: its path below some folder, with slashes, and its text.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    /// <summary>The name of the outermost folder that the file lies in; the file's own name when it lies in none.</summary>
    public string Room => Path.Split('/')[0];

    /// <summary>The C# files below a folder, without what a build has made there.</summary>
    public static SourceFile[] ReadAll(string folder)
    {
        string root = System.IO.Path.Combine(Repository.Root, folder);
        return
        [
            .. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
                .Select(path => System.IO.Path.GetRelativePath(root, path).Replace('\\', '/'))
                .Where(path => !path.Split('/').Any(part => part is "obj" or "bin" or "artifacts"))
                .Order(StringComparer.Ordinal)
                .Select(path => new SourceFile(path, File.ReadAllText(System.IO.Path.Combine(root, path)))),
        ];
    }
}
