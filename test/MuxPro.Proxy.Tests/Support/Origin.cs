using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>
/// A web server on a free port: <c>GET /bytes/N</c> gives N known bytes, <c>GET /chunked/N</c> the same without a length,
/// <c>POST /hash</c> the SHA-256 of what it gets, <c>GET /headers</c> what it was sent.
/// </summary>
internal sealed class Origin : IAsyncDisposable
{
    private readonly WebApplication _application;

    private Origin(WebApplication application, int port)
    {
        _application = application;
        Port = port;
    }

    public int Port { get; }

    public Destination Destination => Destination.Tcp(IPAddress.Loopback, Port);

    public static async Task<Origin> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        WebApplication application = builder.Build();
        application.MapGet("/bytes/{count:int}", async (int count, HttpContext context) =>
        {
            context.Response.ContentLength = count;
            await context.Response.Body.WriteAsync(Bytes(count));
        });
        application.MapGet("/chunked/{count:int}", async (int count, HttpContext context) =>
        {
            byte[] bytes = Bytes(count);
            for (int sent = 0; sent < count; sent += 10_000)
            {
                await context.Response.Body.WriteAsync(bytes.AsMemory(sent, Math.Min(10_000, count - sent)));
                await context.Response.Body.FlushAsync();
            }
        });
        application.MapPost("/hash", async (HttpContext context) =>
        {
            byte[] hash = await SHA256.HashDataAsync(context.Request.Body);
            await context.Response.WriteAsync(Convert.ToHexStringLower(hash));
        });
        application.MapGet("/headers", (HttpContext context) =>
            string.Join('\n', context.Request.Headers.Select(header => $"{header.Key}: {header.Value}")));
        await application.StartAsync(TestContext.Current.CancellationToken);
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new Origin(application, new Uri(address).Port);
    }

    /// <summary>Bytes that are the same every time, with no short period.</summary>
    public static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    public static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public Uri Uri(string path, string host = "127.0.0.1")
        => new(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{Port}{path}"));

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero, TimeProvider.System);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }
}
