namespace MuxPro.Proxy.Shared;

/// <summary>What tells a file from what it was before, also where it was replaced as a whole or is reached by links that now lead elsewhere.</summary>
/// <param name="Written">When it was written.</param>
/// <param name="Created">When it was made: another file in its place may have its length and the time of its writing.</param>
/// <param name="Length">Its length; -1 where there is none.</param>
internal readonly record struct FileStamp(DateTime Written, DateTime Created, long Length)
{
    public static FileStamp Of(string path)
    {
        try
        {
            FileSystemInfo file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
            return new FileStamp(file.LastWriteTimeUtc, file.CreationTimeUtc, file.Exists && file is FileInfo { Length: var length } ? length : -1);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new FileStamp(default, default, -1);
        }
    }
}
