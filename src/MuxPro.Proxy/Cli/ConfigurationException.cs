namespace MuxPro.Proxy.Cli;

/// <summary>An argument or a file that cannot be used. The message is one line that says what and where.</summary>
internal sealed class ConfigurationException(string message, Exception? innerException = null) : Exception(message, innerException);
