// Uses what the libraries have, as native code: client, pool, server, Kestrel endpoint and transport, WebSockets, options, health checks
// and the HTTP handler. Prints one line and exits with 0 when all of it worked. eng/aot.sh publishes and runs it.
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MuxPro;
using MuxPro.AspNetCore;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Configuration.AddInMemoryCollection(
    [new("Mux:MaxSessions", "100"), new("Mux:DispatchTimeout", "00:00:05"), new("Client:MaxConcurrency", "4")]);
builder.Services.AddMuxServer(options => options.UseDispatcher(new DirectDispatcher())).BindConfiguration("Mux");
builder.Services.AddHealthChecks().AddMuxServer().AddMuxClient("tcp").AddMuxClient("ws");
int port = 0;
builder.Services.AddMuxClient("tcp", options => options.Dial = ct => Link.ConnectTcpAsync("127.0.0.1", port, ct))
    .BindConfiguration("Client");
builder.Services.AddMuxClient(
    "ws", options => options.Dial = ct => Link.ConnectWebSocketAsync(new Uri($"ws://127.0.0.1:{port}/mux"), null, ct));
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseMuxPro());
    kestrel.Listen(IPAddress.Loopback, 0);
    kestrel.Listen(new MuxEndPoint("h1.internal", 80));
    kestrel.Listen(new MuxEndPoint("h2.internal", 80), listen => listen.Protocols = HttpProtocols.Http2);
});
await using WebApplication app = builder.Build();
app.UseWebSockets();
app.MapMuxPro("/mux");
app.MapGet("/", (HttpContext context)
    => $"{context.Request.Protocol} in {context.Features.Get<IMuxConnectionFeature>()?.Session.Destination}");
await app.StartAsync();
int[] ports = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
    .Select(address => new Uri(address)).Where(address => address.Host == "127.0.0.1").Select(address => address.Port)];

var answers = new List<string>();
foreach (string name in (string[])["tcp", "ws"])
{
    port = name == "tcp" ? ports[0] : ports[1];
    ClientManager client = app.Services.GetRequiredKeyedService<ClientManager>(name);
    foreach (string version in (string[])["1.1", "2.0"])
    {
        using var http = new HttpClient(client.CreateHttpHandler())
        {
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        answers.Add(await http.GetStringAsync(new Uri($"http://h{version[0]}.internal/")));
    }
}

HealthReport health = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
long memory = Environment.WorkingSet / 1024 / 1024;
await app.StopAsync();
Console.WriteLine($"{string.Join(", ", answers)}; {health.Status}; {memory} MiB");
string[] expected = ["HTTP/1.1 in tcp:h1.internal:80", "HTTP/2 in tcp:h2.internal:80"];
return health.Status == HealthStatus.Healthy && answers.SequenceEqual([.. expected, .. expected]) ? 0 : 1;
