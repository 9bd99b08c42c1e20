using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MuxPro.AspNetCore.Tests.Support;

/// <summary>An application on real Kestrel, with a loopback port for main connections unless a test makes its own.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private TestApp(WebApplication app, ErrorLog log)
    {
        App = app;
        Log = log;
        Port = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(static address => new Uri(address)).First(static address => address.Host == "127.0.0.1").Port;
    }

    public WebApplication App { get; }

    public ErrorLog Log { get; }

    /// <summary>The port of the first endpoint on loopback.</summary>
    public int Port { get; }

    public static async Task<TestApp> StartAsync(
        Action<WebApplication> map, Action<KestrelServerOptions>? listen = null, Action<WebApplicationBuilder>? configure = null)
    {
        var log = new ErrorLog();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddMuxServer();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (listen is not null)
            {
                listen(kestrel);
                return;
            }

            ListenForMain(kestrel);
            kestrel.Listen(new MuxEndPoint("api.internal", 80));
        });
        configure?.Invoke(builder);
        WebApplication app = builder.Build();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestApp(app, log);
    }

    public static void ListenForMain(KestrelServerOptions kestrel)
        => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseMuxPro());

    /// <summary>A client of this application.</summary>
    public ClientManager Connect(ClientStrategy? strategy = null)
        => MuxClient.Connect(cancellationToken => Link.ConnectTcpAsync("127.0.0.1", Port, cancellationToken), strategy);

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        Log.AssertEmpty();
    }
}
