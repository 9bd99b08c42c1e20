using System.Net;

namespace MuxPro;

/// <summary>HTTP over sub-connections.</summary>
public static class HttpClientExtensions
{
    /// <summary>
    /// Makes a handler for <see cref="HttpClient"/> each of whose connections is a sub-connection, for <c>http:</c> and <c>https:</c>,
    /// HTTP/1.1 and HTTP/2. Names are resolved by the server; TLS, where the address asks for it, runs inside the sub-connection, from end
    /// to end. A request that is cancelled on a connection of its own resets the sub-connection.
    /// </summary>
    /// <remarks>
    /// A target that is not reached is an <see cref="HttpRequestException"/> with the <see cref="SessionException"/> inside. The system's
    /// proxy settings are not used. All other settings are those of <see cref="SocketsHttpHandler"/> and may be changed.
    /// </remarks>
    /// <param name="client">Opens the sub-connections; not disposed with the handler.</param>
    /// <param name="priority">Of the sub-connections: 0 is served first, 255 last.</param>
    /// <returns>The handler, owned by the caller.</returns>
    public static SocketsHttpHandler CreateHttpHandler(this ClientManager client, byte priority = Session.DefaultPriority)
    {
        ArgumentNullException.ThrowIfNull(client);
        return new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                DnsEndPoint target = context.DnsEndPoint;
                Session session = await client
                    .ConnectAsync(Destination.Tcp(target.Host, target.Port), priority, cancellationToken).ConfigureAwait(false);
                return new HttpSessionStream(session);
            },
        };
    }
}
