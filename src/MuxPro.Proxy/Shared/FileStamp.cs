namespace MuxPro.Proxy.Shared;

/// <summary>
/// What tells a file from what it was before, also where another one took its place or it is reached by links that now lead elsewhere.
/// </summary>
/// <param name="Written">When it was written.</param>
/// <param name="Length">Its length; -1 where there is none.</param>
/// <param name="Content">A hash of what a small file has, for this process: another one may have its length and the time of its
/// writing.</param>
internal readonly record struct FileStamp(DateTime Written, long Length, int Content)
{
    private const long MaxHashed = 64 * 1024;

    public static FileStamp Of(string path)
    {
        try
        {
            FileSystemInfo file = Find(path);
            long length = LengthOf(file);
            return new FileStamp(file.LastWriteTimeUtc, length, length is > 0 and <= MaxHashed ? HashOf(path) : 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new FileStamp(default, -1, 0);
        }
    }

    /// <summary>The length of a file, which is not opened; -1 where there is none.</summary>
    public static long LengthOf(string path)
    {
        try
        {
            return LengthOf(Find(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }

    private static FileSystemInfo Find(string path)
    {
        FileSystemInfo file = new FileInfo(path);
        return file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
    }

    private static long LengthOf(FileSystemInfo file) => file.Exists && file is FileInfo { Length: var length } ? length : -1;

    private static int HashOf(string path)
    {
        var hash = default(HashCode);
        hash.AddBytes(File.ReadAllBytes(path));
        return hash.ToHashCode();
    }
}
