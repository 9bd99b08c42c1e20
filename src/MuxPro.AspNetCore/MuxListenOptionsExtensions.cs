using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using MuxPro.AspNetCore;
using MuxPro.AspNetCore.Hosting;
using MuxPro.AspNetCore.Transport;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Main connections on Kestrel.</summary>
public static class MuxListenOptionsExtensions
{
    /// <summary>
    /// Takes the connections of an endpoint as main connections. After <c>UseHttps</c> they run over TLS; connections that chose HTTP there (ALPN <c>h2</c> or
    /// <c>http/1.1</c>) stay HTTP, so that one port serves both.
    /// </summary>
    /// <param name="listenOptions">The endpoint.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="InvalidOperationException"><c>AddMuxServer</c> was not called.</exception>
    public static ListenOptions UseMuxPro(this ListenOptions listenOptions)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        MuxServerHost host = listenOptions.ApplicationServices.GetService<MuxServerHost>()
            ?? throw new InvalidOperationException("UseMuxPro needs services.AddMuxServer().");
        host.AddEndpoint();
        listenOptions.Use(next => connection => IsHttp(connection)
            ? next(connection)
            : host.RunAsync(
                new ConnectionLink(connection),
                new MainConnectionInfo(connection.ConnectionId, connection.Features.Get<ITlsConnectionFeature>()),
                connection.Features));
        return listenOptions;
    }

    /// <summary>
    /// Offers Mux.Pro beside HTTP in TLS (<see cref="MuxProDefaults.ApplicationProtocol"/>), for clients that ask for it by name. A client that names no protocol does not
    /// need it.
    /// </summary>
    /// <param name="httpsOptions">The options of <c>UseHttps</c>.</param>
    /// <returns>The options.</returns>
    public static HttpsConnectionAdapterOptions OfferMuxPro(this HttpsConnectionAdapterOptions httpsOptions)
    {
        ArgumentNullException.ThrowIfNull(httpsOptions);
        Action<ConnectionContext, SslServerAuthenticationOptions>? before = httpsOptions.OnAuthenticate;
        httpsOptions.OnAuthenticate = (connection, tls) =>
        {
            before?.Invoke(connection, tls);
            (tls.ApplicationProtocols ??= []).Add(MuxProDefaults.ApplicationProtocol);
        };
        return httpsOptions;
    }

    private static bool IsHttp(ConnectionContext connection)
    {
        ReadOnlySpan<byte> chosen = connection.Features.Get<ITlsApplicationProtocolFeature>() is { } tls ? tls.ApplicationProtocol.Span : [];
        return chosen.SequenceEqual(SslApplicationProtocol.Http2.Protocol.Span) || chosen.SequenceEqual(SslApplicationProtocol.Http11.Protocol.Span);
    }
}
