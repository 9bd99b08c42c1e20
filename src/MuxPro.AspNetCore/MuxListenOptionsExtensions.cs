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
    /// <summary>Takes the connections of an endpoint as main connections; after <c>UseHttps</c> over TLS.</summary>
    /// <param name="listenOptions">The endpoint.</param>
    /// <param name="besideHttp">
    /// <see langword="false"/>, the default: all connections are main connections. <see langword="true"/>: those are that ask for Mux.Pro
    /// by name in TLS (<see cref="MuxProDefaults.ApplicationProtocol"/>, which <see cref="OfferMuxPro"/> offers), and all others stay HTTP.
    /// </param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="InvalidOperationException"><c>AddMuxServer</c> was not called.</exception>
    public static ListenOptions UseMuxPro(this ListenOptions listenOptions, bool besideHttp = false)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        MuxServerHost host = listenOptions.ApplicationServices.GetService<MuxServerHost>()
            ?? throw new InvalidOperationException("UseMuxPro needs services.AddMuxServer().");
        host.AddEndpoint();
        if (!besideHttp)
        {
            // So that TLS does not offer HTTP, and no client is turned away for asking for something else.
            listenOptions.Protocols = HttpProtocols.None;
        }

        listenOptions.Use(next => connection => besideHttp && !AskedForMuxPro(connection)
            ? next(connection)
            : host.RunAsync(
                new ConnectionLink(connection),
                new MainConnectionInfo(connection.ConnectionId, connection.Features.Get<ITlsConnectionFeature>()),
                connection.Features));
        return listenOptions;
    }

    /// <summary>Offers Mux.Pro beside HTTP in TLS, for an endpoint that has both.</summary>
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

    private static bool AskedForMuxPro(ConnectionContext connection)
        => connection.Features.Get<ITlsApplicationProtocolFeature>() is { } tls
            && tls.ApplicationProtocol.Span.SequenceEqual(MuxProDefaults.ApplicationProtocol.Protocol.Span);
}
