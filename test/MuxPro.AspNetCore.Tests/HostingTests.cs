using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MuxPro.AspNetCore.Hosting;
using MuxPro.AspNetCore.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>Dependency injection, options and health.</summary>
public sealed class HostingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_ByConfiguration_AndByName()
    {
        await using TestApp app = await TestApp.StartAsync(static app => app.MapGet("/", static () => "hello"));
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            [new("Relay:Address", $"tcp://127.0.0.1:{app.Port}"), new("Relay:MaxConcurrency", "3")]);
        builder.Services.AddMuxClient().BindConfiguration("Relay");
        builder.Services.AddMuxClient("named", options => options.Address = new Uri($"tcp://127.0.0.1:{app.Port}"));
        using IHost host = builder.Build();
        ClientManager client = host.Services.GetRequiredService<ClientManager>();
        ClientManager named = host.Services.GetRequiredKeyedService<ClientManager>("named");
        Assert.NotSame(client, named);
        foreach (ClientManager each in (ClientManager[])[client, named])
        {
            using var http = new HttpClient(each.CreateHttpHandler());
            Assert.Equal("hello", await http.GetStringAsync(new Uri("http://api.internal/"), Cancel));
        }

        Assert.Equal(3, host.Services.GetRequiredService<IOptions<MuxClientOptions>>().Value.MaxConcurrency);
        await ((IAsyncDisposable)host).DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.OpenAsync(Destination.Tcp("api.internal", 80), Cancel));
    }

    [Fact]
    public async Task BadOptions_StopTheStart_AndAreNamed()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
        [
            new("Relay:Address", "gopher://relay.example"),
            new("Relay:MaxConcurrency", "0"),
            new("Relay:HandshakeTimeout", "-00:00:01"),
            new("Relay:MaxWindow", "5"),
        ]);
        builder.Services.AddMuxClient("relay").BindConfiguration("Relay");
        using IHost host = builder.Build();
        OptionsValidationException exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancel));
        Assert.Equal(4, exception.Failures.Count());
        Assert.All(
            exception.Failures, static failure => Assert.StartsWith("MuxClientOptions 'relay': ", failure, StringComparison.Ordinal));
        Assert.All(
            (string[])["Address", "MaxConcurrency", "HandshakeTimeout", "MaxWindow"],
            field => Assert.Contains(exception.Failures, failure => failure.Contains(field, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(nameof(MuxServerOptions.DispatchTimeout), "00:00:00")]
    [InlineData(nameof(MuxServerOptions.MaxSessions), "70000")]
    [InlineData(nameof(MuxServerOptions.DrainTimeout), "-00:00:01")]
    [InlineData(nameof(MuxConnectionOptions.WriteTimeout), "00:00:00")]
    [InlineData(nameof(MuxConnectionOptions.SilenceTimeout), "00:00:00")]
    [InlineData(nameof(MuxConnectionOptions.KeepAliveInterval), "00:00:00")]
    [InlineData(nameof(MuxConnectionOptions.WindowBudget), "-1")]
    [InlineData(nameof(MuxConnectionOptions.MaxBuffered), "1")]
    public async Task BadServerOption_StopsTheStart_AndIsNamed(string field, string value)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new($"Mux:{field}", value)]);
        builder.Services.AddMuxServer().BindConfiguration("Mux");
        using IHost host = builder.Build();
        OptionsValidationException exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancel));
        Assert.Contains(field, Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void ClientWithoutAnAddress_IsNamed()
    {
        using ServiceProvider services = new ServiceCollection().AddMuxClient().Services.BuildServiceProvider();
        OptionsValidationException exception = Assert.Throws<OptionsValidationException>(
            () => services.GetRequiredService<ClientManager>());
        Assert.Contains("Address", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Engine_UsesTheHostsLoggersMetersAndClock()
    {
        var time = new FakeTimeProvider();
        var services = new ServiceCollection();
        services.AddLogging().AddMetrics().AddSingleton<TimeProvider>(time);
        services.AddMuxServer(static options => options.Customize(static mux => mux with { SendBuffer = 7 }));
        await using ServiceProvider provider = services.BuildServiceProvider();
        MuxOptions options = provider.GetRequiredService<IOptions<MuxServerOptions>>().Value.ToMuxOptions(provider);
        Assert.Same(time, options.TimeProvider);
        Assert.Same(provider.GetRequiredService<IMeterFactory>(), options.MeterFactory);
        Assert.Same(provider.GetRequiredService<Microsoft.Extensions.Logging.ILoggerFactory>(), options.LoggerFactory);
        Assert.Equal(7, options.SendBuffer);
    }

    [Fact]
    public async Task Health_OfTheServer()
    {
        await using TestApp app = await TestApp.StartAsync(
            static _ => { }, configure: static builder => builder.Services.AddHealthChecks().AddMuxServer());
        HealthCheckService health = app.App.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Cancel)).Status);
        app.App.Lifetime.StopApplication();
        HealthReport report = await health.CheckHealthAsync(Cancel);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("drains", report.Entries["mux-server"].Description, StringComparison.Ordinal);
        Assert.Contains("mux-server", app.Log.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_OfAServerWithoutAnEndpoint()
    {
        await using TestApp app = await TestApp.StartAsync(
            static _ => { },
            static kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0),
            static builder => builder.Services.AddHealthChecks().AddMuxServer(HealthStatus.Degraded));
        Assert.Equal(
            HealthStatus.Degraded, (await app.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel)).Status);
    }

    [Fact]
    public async Task Health_OfAClient()
    {
        await using TestApp app = await TestApp.StartAsync(static _ => { });
        int dials = 0;
        bool up = false;
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddMuxClient("relay", options => options.Dial = cancellationToken =>
        {
            dials++;
            return up ? Link.ConnectTcpAsync("127.0.0.1", app.Port, cancellationToken) : throw new IOException("The cable is out.");
        });
        services.AddHealthChecks().AddMuxClient("relay");
        await using ServiceProvider provider = services.BuildServiceProvider();
        HealthCheckService health = provider.GetRequiredService<HealthCheckService>();
        HealthReport report = await health.CheckHealthAsync(Cancel);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("The cable is out.", report.Entries["mux-client:relay"].Description, StringComparison.Ordinal);

        up = true;
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Cancel)).Status);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Cancel)).Status);
        Assert.Equal(2, dials); // the second check found the main connection of the first
    }
}
