using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using MuxPro.AspNetCore.Tests.Support;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>Main connections on Kestrel: TLS, what is refused and forwarded, and how they end with the host.</summary>
public sealed class EndpointTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OnePort_ServesMainConnectionsBesideHttp()
    {
        await using TestApp app = await TestApp.StartAsync(
            MapWhere,
            static kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0, static listen => listen
                    .UseHttps(static https =>
                    {
                        https.ServerCertificate = Certificates.Server;
                        https.OfferMuxPro();
                    })
                    .UseMuxPro(besideHttp: true));
                kestrel.Listen(new MuxEndPoint("api.internal", 80));
            });
        foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var handler = new SocketsHttpHandler { SslOptions = Trusting() };
            using var outside = new HttpClient(handler)
            { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
            Assert.Equal("outside", await outside.GetStringAsync(new Uri($"https://127.0.0.1:{app.Port}/"), Cancel));
        }

        await using ClientManager client = ConnectTls(app, byName: true);
        using var inside = new HttpClient(client.CreateHttpHandler());
        Assert.Equal("inside", await inside.GetStringAsync(new Uri("http://api.internal/"), Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tls_WithoutHttp(bool byName)
    {
        await using TestApp app = await TestApp.StartAsync(
            MapWhere,
            static kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.UseHttps(Certificates.Server).UseMuxPro());
                kestrel.Listen(new MuxEndPoint("api.internal", 80));
            });
        await using ClientManager client = ConnectTls(app, byName);
        using var inside = new HttpClient(client.CreateHttpHandler());
        Assert.Equal("inside", await inside.GetStringAsync(new Uri("http://api.internal/"), Cancel));

        // What listens inside is not to be reached from the outside.
        using var handler = new SocketsHttpHandler { SslOptions = Trusting() };
        using var outside = new HttpClient(handler);
        await Assert.ThrowsAsync<HttpRequestException>(() => outside.GetStringAsync(new Uri($"https://127.0.0.1:{app.Port}/"), Cancel));
    }

    [Fact]
    public async Task ClientCertificate_OfTheMainConnection_IsKnownToItsRequests()
    {
        await using TestApp app = await TestApp.StartAsync(
            static app => app.MapGet("/", static (HttpContext http)
                => $"{http.Features.Get<IMuxConnectionFeature>()!.ClientCertificate?.Subject} {http.Connection.ClientCertificate is null}"),
            static kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0, static listen => listen
                    .UseHttps(static https =>
                    {
                        https.ServerCertificate = Certificates.Server;
                        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                        https.ClientCertificateValidation = static (certificate, _, _) => certificate.Equals(Certificates.Client);
                    })
                    .UseMuxPro());
                kestrel.Listen(new MuxEndPoint("api.internal", 80));
            });
        SslClientAuthenticationOptions tls = Trusting();
        tls.TargetHost = "api.internal";
        tls.ClientCertificates = [Certificates.Client];
        await using ClientManager client = MuxClient.Connect(ct => Link.ConnectTlsAsync("127.0.0.1", app.Port, tls, ct));
        using var http = new HttpClient(client.CreateHttpHandler());
        Assert.Equal("CN=alice True", await http.GetStringAsync(new Uri("http://api.internal/"), Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OtherDestinations_GoToTheDispatcher(bool withListener)
    {
        await using TestApp app = await TestApp.StartAsync(
            static app => app.MapGet("/", static () => "inside"),
            kestrel =>
            {
                TestApp.ListenForMain(kestrel);
                if (withListener)
                {
                    kestrel.Listen(new MuxEndPoint("api.internal", 80));
                }
            },
            static builder => builder.Services.Configure<MuxServerOptions>(static options => options.UseDispatcher(new EchoDispatcher())));
        await using ClientManager client = app.Connect();
        await using Session session = await client.OpenAsync(Destination.Tcp("echo.example", 7), Cancel);
        await session.Output.WriteAsync("hello"u8.ToArray(), Cancel);
        session.CompleteWrites();
        using var reader = new StreamReader(session.AsStream());
        Assert.Equal("hello", await reader.ReadToEndAsync(Cancel));

        await using Session refused = await client.OpenAsync(Destination.Tcp("refused.example", 7), Cancel);
        SessionException exception = await Assert.ThrowsAsync<SessionException>(async () => await refused.Input.ReadAsync(Cancel));
        Assert.Equal(ErrorCode.OperationTimeout, exception.ErrorCode);
    }

    [Fact]
    public async Task HostStop_IsQuick_WhenNothingIsOpen()
    {
        await using TestApp app = await TestApp.StartAsync(static app => app.MapGet("/", static () => "inside"));
        await using ClientWorker worker = await ConnectAsync(app);

        // The test's own limit is far below the 30 seconds that Kestrel waits for a connection that does not close.
        await app.App.StopAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await worker.Completion.Guarded();
        Assert.Equal(MainConnectionEnd.ClosedByPeer, worker.Failure!.Reason);
    }

    [Fact]
    public async Task HostStop_WaitsForOpenRequests()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await TestApp.StartAsync(app => app.MapGet("/", async () =>
        {
            started.SetResult();
            await go.Task;
            return "finished";
        }));
        await using ClientManager client = app.Connect();
        using var http = new HttpClient(client.CreateHttpHandler());
        Task<string> request = http.GetStringAsync(new Uri("http://api.internal/"), Cancel);
        await started.Task.Guarded();
        Task stop = app.App.StopAsync(Cancel);
        Assert.True(app.App.Lifetime.ApplicationStopping.IsCancellationRequested);
        go.SetResult();
        Assert.Equal("finished", await request.Guarded());
        await stop.Guarded();
    }

    [Fact]
    public async Task HostStop_CutsWhatIsOpenAfterTheDrainTimeout()
    {
        var time = new FakeTimeProvider();
        await using TestApp app = await TestApp.StartAsync(
            static _ => { },
            configure: builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(time);
                builder.Services.Configure<MuxServerOptions>(static options =>
                {
                    options.UseDispatcher(new EchoDispatcher());
                    options.DrainTimeout = TimeSpan.FromSeconds(3);
                });
            });
        await using ClientManager client = app.Connect();
        await using Session session = await client.OpenAsync(Destination.Tcp("echo.example", 7), Cancel);
        await session.Output.WriteAsync("x"u8.ToArray(), Cancel);
        System.IO.Pipelines.ReadResult echo = await session.Input.ReadAsync(Cancel);
        session.Input.AdvanceTo(echo.Buffer.End);
        Task stop = app.App.StopAsync(Cancel);
        time.Advance(TimeSpan.FromSeconds(2.9));
        await session.Output.WriteAsync("y"u8.ToArray(), Cancel);
        echo = await session.Input.ReadAsync(Cancel);
        session.Input.AdvanceTo(echo.Buffer.End);
        Assert.Equal(1, echo.Buffer.Length);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await Assert.ThrowsAnyAsync<MuxException>(async () => await session.Input.ReadAsync(Cancel)).Guarded();
        await stop.Guarded();
    }

    [Fact]
    public async Task WhatIsNoMainConnection_IsCut()
    {
        await using TestApp app = await TestApp.StartAsync(MapWhere);
        await using Link link = await Link.ConnectTcpAsync("127.0.0.1", app.Port, Cancel);
        await link.Output.WriteAsync("GET / HTTP/1.1\r\nHost: api.internal\r\n\r\n"u8.ToArray(), Cancel);
        IOException? cut = null;
        try
        {
            Assert.Equal(0, (await link.Input.ReadAsync(Cancel).Guarded()).Buffer.Length);
        }
        catch (IOException exception)
        {
            cut = exception; // a reset, or an end: what matters is that no byte comes and that it does not stay open
        }

        Assert.True(cut is null or { InnerException: System.Net.Sockets.SocketException });
    }

    [Fact]
    public async Task EndpointThatIsGivenUp_EndsItsMainConnections_AndNoOther()
    {
        IConfigurationRoot configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new("Endpoints:First:Url", "http://127.0.0.1:0")]).Build();
        await using TestApp app = await TestApp.StartAsync(MapWhere, kestrel =>
        {
            kestrel.Configure(configuration, reloadOnChange: true).Endpoint("First", static endpoint => endpoint.ListenOptions.UseMuxPro());
            kestrel.Listen(IPAddress.Parse("127.0.0.3"), 0, static listen => listen.UseMuxPro());
            kestrel.Listen(new MuxEndPoint("api.internal", 80));
        });
        int other = app.App.Urls.Select(static url => new Uri(url)).Single(static url => url.Host == "127.0.0.3").Port;
        await using ClientManager living = MuxClient.Connect(ct => Link.ConnectTcpAsync("127.0.0.3", other, ct));
        await using Session open = await living.OpenAsync(Destination.Tcp("api.internal", 80), Cancel);
        await using ClientWorker worker = await ConnectAsync(app);
        configuration["Endpoints:First:Url"] = "http://127.0.0.2:0";
        configuration.Reload();
        await worker.Completion.Guarded();
        Assert.Equal(MainConnectionEnd.ClosedByPeer, worker.Failure!.Reason);

        await open.Output.WriteAsync("GET / HTTP/1.1\r\nHost: api.internal\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancel);
        using var answer = new StreamReader(open.AsStream());
        Assert.Contains("inside", await answer.ReadToEndAsync(Cancel).Guarded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoListenersOfOneAddress_AreOneTooMany()
    {
        IOException exception = await Assert.ThrowsAsync<IOException>(() => TestApp.StartAsync(static _ => { }, static kestrel =>
        {
            TestApp.ListenForMain(kestrel);
            kestrel.Listen(new MuxEndPoint("api.internal", 80));
            kestrel.Listen(new MuxEndPoint("API.internal", 80));
        }));
        Assert.IsType<AddressInUseException>(exception.InnerException);
    }

    [Fact]
    public void WithoutAddMuxServer_TheErrorSaysSo()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(TestApp.ListenForMain);
        Assert.Contains(
            "AddMuxServer", Assert.ThrowsAny<InvalidOperationException>(() => builder.Build().Start()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddMuxServer_BeforeKestrel_LeavesItsSockets()
    {
        using IHost host = new HostBuilder()
            .ConfigureServices(static services => services.AddMuxServer())
            .ConfigureWebHost(static web => web.UseKestrelCore().ConfigureKestrel(TestApp.ListenForMain).Configure(static _ => { }))
            .Build();
        await host.StartAsync(Cancel);
        await host.StopAsync(Cancel);
    }

    private static void MapWhere(WebApplication app) => app.MapGet(
        "/", static (HttpContext context) => context.Features.Get<IMuxConnectionFeature>() is null ? "outside" : "inside");

    private static ClientManager ConnectTls(TestApp app, bool byName)
    {
        SslClientAuthenticationOptions tls = Trusting();
        tls.TargetHost = "api.internal";
        tls.ApplicationProtocols = byName ? [MuxProDefaults.ApplicationProtocol] : null;
        return MuxClient.Connect(cancellationToken => Link.ConnectTlsAsync("127.0.0.1", app.Port, tls, cancellationToken));
    }

    private static SslClientAuthenticationOptions Trusting()
        => new() { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(Certificates.Server) };

    private static async Task<ClientWorker> ConnectAsync(TestApp app)
        => await ClientWorker.StartAsync(await Link.ConnectTcpAsync("127.0.0.1", app.Port, Cancel), cancellationToken: Cancel);

    /// <summary>Sends everything back; refuses one host.</summary>
    private sealed class EchoDispatcher : IDispatcher
    {
        private readonly Echo _echo = new();

        public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        {
            if (destination.Host == "refused.example")
            {
                throw new SessionException(ErrorCode.OperationTimeout, "It did not answer.");
            }

            return _echo.DispatchAsync(destination, cancellationToken);
        }
    }
}
