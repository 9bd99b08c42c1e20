namespace MuxPro.Proxy.Shared;

/// <summary>A connection that is closed before it goes anywhere: garbage, a wrong password, something not served here.</summary>
internal sealed class HandshakeException(string message) : Exception(message)
{
    /// <summary>How often it is a warning; <see langword="null"/> leaves that to who logs it.</summary>
    public WarningLimit? Warning { get; init; }
}
