namespace MuxPro.Proxy.Shared;

/// <summary>An argument or a file that cannot be used. The message is one line that says what and where.</summary>
internal sealed class ConfigurationException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>The file as the user named it, with which the message begins; <see langword="null"/> where it is none.</summary>
    public string? File { get; private init; }

    /// <summary>A file that cannot be read.</summary>
    public static ConfigurationException OfFile(string path, Exception exception)
        => OfFile(path, FileProblem.Describe(exception), exception);

    /// <summary>A file that cannot be used.</summary>
    /// <param name="path">The file as the user named it.</param>
    /// <param name="problem">What is wrong with it, in words.</param>
    /// <param name="innerException">What said so.</param>
    public static ConfigurationException OfFile(string path, string problem, Exception? innerException = null)
        => new($"{path}: {problem}", innerException) { File = path };

    /// <summary>The same of a line.</summary>
    public static ConfigurationException OfLine(string path, int line, string problem) => new($"{path}:{line}: {problem}") { File = path };
}
