using System.Security.Cryptography.X509Certificates;

namespace MuxPro.AspNetCore;

/// <summary>
/// What a connection that arrived inside a sub-connection knows of it; a feature of the connection, and of each request on it.
/// </summary>
public interface IMuxConnectionFeature
{
    /// <summary>The sub-connection. Its bytes are the server's; read its destination, priority and id.</summary>
    Session Session { get; }

    /// <summary>The id of the connection that carries the main connection, as it is in the log.</summary>
    string MainConnectionId { get; }

    /// <summary>
    /// The certificate with which the client of the main connection identified itself, or <see langword="null"/> when there is none.
    /// </summary>
    /// <remarks>
    /// It is not the request's own <c>HttpContext.Connection.ClientCertificate</c>: TLS ends at the main connection, and inside it requests
    /// are plain <c>http</c> unless the endpoint has TLS of its own.
    /// </remarks>
    X509Certificate2? ClientCertificate { get; }
}
