namespace MuxPro.Proxy.Inbounds;

/// <summary>A connection that is closed before it goes anywhere: garbage, a wrong password, something not served here.</summary>
internal sealed class HandshakeException(string message) : Exception(message);

/// <summary>An HTTP request that is answered with an error by the proxy itself.</summary>
internal sealed class HttpStatusException(int status, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public int Status { get; } = status;

    /// <summary>What was wrong behind the proxy, as RFC 9209 names it; <see langword="null"/> where it was the request.</summary>
    public string? ProxyError { get; init; }
}
