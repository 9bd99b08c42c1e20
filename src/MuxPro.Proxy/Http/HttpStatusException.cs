namespace MuxPro.Proxy.Http;

/// <summary>An HTTP request that is answered with an error by the proxy itself.</summary>
internal sealed class HttpStatusException(int status, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public int Status { get; } = status;

    /// <summary>What was wrong behind the proxy, as RFC 9209 names it; <see langword="null"/> where it was the request.</summary>
    public string? ProxyError { get; init; }
}
