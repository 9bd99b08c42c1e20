using System.Text;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// Reads files that a user names. One without a length is not opened: it is empty, or a pipe or a device, which may have no end or keep
/// whoever opens it waiting.
/// </summary>
internal static class NamedFile
{
    private const long MaxLength = 16 * 1024 * 1024;

    /// <exception cref="IOException">There is no such file, or it is too large.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static byte[] ReadAllBytes(string path) => FileStamp.LengthOf(path) switch
    {
        0 => [],
        > MaxLength => throw new IOException($"is larger than {MaxLength} bytes."),
        _ => File.ReadAllBytes(path),
    };

    /// <summary>The same, as UTF-8.</summary>
    /// <inheritdoc cref="ReadAllBytes" path="/exception"/>
    public static string ReadAllText(string path)
    {
        using var reader = new StreamReader(new MemoryStream(ReadAllBytes(path)), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
