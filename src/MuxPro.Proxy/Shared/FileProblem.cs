namespace MuxPro.Proxy.Shared;

/// <summary>What is wrong with a file, in words: the runtime's messages name it by a path that the user did not give.</summary>
internal static class FileProblem
{
    public static string Describe(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file.",
        UnauthorizedAccessException => "it cannot be read, or is a directory.",
        _ => exception.Message,
    };
}
