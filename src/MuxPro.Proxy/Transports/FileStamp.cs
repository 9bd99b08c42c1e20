namespace MuxPro.Proxy.Transports;

/// <summary>What tells a file from what it was before, also where it is reached by links that now lead elsewhere.</summary>
internal static class FileStamp
{
    /// <summary>When it was written, and its length; -1 where there is none.</summary>
    public static (DateTime Written, long Length) Of(string path)
    {
        try
        {
            FileSystemInfo file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
            return (file.LastWriteTimeUtc, file.Exists && file is FileInfo { Length: var length } ? length : -1);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (default, -1);
        }
    }
}
