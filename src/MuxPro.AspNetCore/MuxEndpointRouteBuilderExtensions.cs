using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MuxPro;
using MuxPro.AspNetCore;
using MuxPro.AspNetCore.Hosting;
using MuxPro.AspNetCore.Transport;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Main connections over WebSockets.</summary>
public static class MuxEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Takes main connections over WebSockets, for clients that reach nothing but HTTP: <see cref="Link.ConnectWebSocketAsync"/>. It needs
    /// <c>app.UseWebSockets()</c>.
    /// </summary>
    /// <remarks>Who may come is decided as for any endpoint: <c>app.MapMuxPro("/mux").RequireAuthorization()</c>.</remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="InvalidOperationException"><c>AddMuxServer</c> was not called.</exception>
    public static IEndpointConventionBuilder MapMuxPro(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        MuxServerHost host = endpoints.ServiceProvider.GetService<MuxServerHost>()
            ?? throw new InvalidOperationException("MapMuxPro needs services.AddMuxServer().");
        host.AddEndpoint();
        return endpoints.Map(pattern, context => ServeAsync(host, context)).WithDisplayName($"Mux.Pro {pattern}");
    }

    private static async Task ServeAsync(MuxServerHost host, HttpContext context)
    {
        if (context.Features.Get<IHttpWebSocketFeature>() is null)
        {
            throw new InvalidOperationException("MapMuxPro needs app.UseWebSockets() before it.");
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = "websocket";
            await context.Response.WriteAsync("Main connections of Mux.Pro come by WebSocket.", context.RequestAborted);
            return;
        }

        string? protocol = context.WebSockets.WebSocketRequestedProtocols.Contains(MuxProDefaults.Protocol)
            ? MuxProDefaults.Protocol
            : null;
        EndPoint? remote = context.Connection.RemoteIpAddress is { } address
            ? new IPEndPoint(address, context.Connection.RemotePort)
            : null;
        Link link = Link.FromWebSocket(await context.WebSockets.AcceptWebSocketAsync(protocol), remote);
        var info = new MainConnectionInfo(context.Connection.Id, context.Features.Get<ITlsConnectionFeature>());
        await host.RunAsync(link, info, context.Features);
    }
}
