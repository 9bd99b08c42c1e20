using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace MuxPro.AspNetCore.Tests;

/// <summary>The code of docs/hosting.md: it has to compile. DocsTests compares the two.</summary>
internal static class HostingExample
{
    public static WebApplication Serve(string[] args)
    {
        // <server>
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.Services.AddMuxServer();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenAnyIP(9527, listen => listen.UseHttps().UseMuxPro()); // main connections, over TLS
            kestrel.Listen(new MuxEndPoint("api.internal", 80));                // HTTP, inside them
        });

        WebApplication app = builder.Build();
        app.MapGet("/hello", (HttpContext context) => $"Hello from {context.Request.Host}!");
        app.Run();
        // </server>
        return app;
    }

    public static async Task AskAsync(CancellationToken ct)
    {
        // <client>
        await using ClientManager client = MuxClient.Connect(ct => Link.ConnectTlsAsync("relay.example", 9527, ct));
        using var http = new HttpClient(client.CreateHttpHandler());
        string answer = await http.GetStringAsync("http://api.internal/hello", ct);
        // </client>
        _ = answer;
    }

    public static void ListenForMany(KestrelServerOptions kestrel)
    {
        // <endpoints>
        kestrel.Listen(new MuxEndPoint("api.internal", 80));
        kestrel.Listen(new MuxEndPoint("grpc.internal", 80), listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(new MuxEndPoint("*.tenants.internal", 443), listen => listen.UseHttps());
        kestrel.Listen(new MuxEndPoint("*")); // every other host and port
        // </endpoints>
    }

    public static void MapWho(WebApplication app)
    {
        // <feature>
        app.MapGet("/who", (HttpContext context) =>
        {
            IMuxConnectionFeature? mux = context.Features.Get<IMuxConnectionFeature>();
            return $"{mux?.Session.Destination}, asked for by {mux?.ClientCertificate?.Subject} at {context.Connection.RemoteIpAddress}";
        });
        // </feature>
    }

    public static void ListenWithCertificates(KestrelServerOptions kestrel, X509Certificate2 authority)
    {
        // <certificates>
        kestrel.ListenAnyIP(9527, listen => listen
            .UseHttps(https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (certificate, _, _) => IsIssuedBy(certificate, authority);
            })
            .UseMuxPro());
        // </certificates>
    }

    public static void ListenBesideHttp(KestrelServerOptions kestrel)
    {
        // <beside>
        kestrel.ListenAnyIP(443, listen => listen.UseHttps(https => https.OfferMuxPro()).UseMuxPro(besideHttp: true));
        // </beside>
    }

    public static void Dispatch(IServiceCollection services)
    {
        // <dispatcher>
        services.AddMuxServer(options => options.UseDispatcher(new DirectDispatcher(new DirectOptions { AllowPrivate = false })));
        // </dispatcher>
    }

    public static void AddClients(IServiceCollection services, Func<CancellationToken, ValueTask<Link>> dial)
    {
        // <clients>
        services.AddMuxClient().BindConfiguration("Relay");
        services.AddMuxClient("backup", options =>
        {
            options.Dial = dial;
            options.MaxConcurrency = 100;
            options.Customize(mux => mux with { SendBuffer = 64 * 1024 });
        });

        services.AddHttpClient("inside")
            .ConfigurePrimaryHttpMessageHandler(provider => provider.GetRequiredService<ClientManager>().CreateHttpHandler());
        // </clients>
    }

    public static void AddHealth(IServiceCollection services)
    {
        // <health>
        services.AddHealthChecks().AddMuxServer().AddMuxClient().AddMuxClient("backup");
        // </health>
    }

    public static void MapWebSocket(WebApplication app)
    {
        // <websocket-server>
        app.UseWebSockets();
        app.MapMuxPro("/mux").RequireAuthorization();
        // </websocket-server>
    }

    public static ClientManager ConnectWebSocket(string token)
    {
        // <websocket-client>
        ClientManager client = MuxClient.Connect(ct => Link.ConnectWebSocketAsync(
            new Uri("wss://relay.example/mux"), options => options.SetRequestHeader("Authorization", $"Bearer {token}"), ct));
        // </websocket-client>
        return client;
    }

    private static bool IsIssuedBy(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
