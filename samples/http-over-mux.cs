// HttpClient to a minimal API through one main connection: many requests at once, each in a sub-connection of its own.
// The API has no port of its own; Kestrel listens for it inside the main connections.
// Run it with `dotnet run samples/http-over-mux.cs`. It prints:
//
//   GET http://api.internal/square/7: 49
//   100 requests at once: the sum of their answers is 328350
//   POST http://api.internal/length: 1000000
//   http://other.internal/ is refused: ProxyRejected
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/MuxPro.AspNetCore/MuxPro.AspNetCore.csproj
using System.Net;
using MuxPro;
using MuxPro.AspNetCore;

// The server: a port for main connections, and an address inside them.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.Services.AddMuxServer();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseMuxPro());
    kestrel.Listen(new MuxEndPoint("api.internal", 80));
});
await using WebApplication app = builder.Build();
app.MapGet("/square/{number:int}", (int number) => number * number);
app.MapPost("/length", async (Stream body) =>
{
    long length = 0;
    byte[] buffer = new byte[16 * 1024];
    for (int read; (read = await body.ReadAsync(buffer)) > 0; length += read)
    {
    }

    return length;
});
await app.StartAsync();
int port = app.Urls.Select(url => new Uri(url)).First(url => url.IsLoopback).Port;

// The client: at most one main connection carries 200 sub-connections.
await using ClientManager client = MuxClient.Connect(
    ct => Link.ConnectTcpAsync("127.0.0.1", port, ct), new ClientStrategy { MaxConcurrency = 200, MaxConnection = 0 });
using var http = new HttpClient(client.CreateHttpHandler()) { BaseAddress = new Uri("http://api.internal/") };

Console.WriteLine($"GET http://api.internal/square/7: {await http.GetStringAsync("square/7")}");

string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => http.GetStringAsync($"square/{number}")));
Console.WriteLine($"100 requests at once: the sum of their answers is {answers.Sum(int.Parse)}");

using HttpResponseMessage posted = await http.PostAsync("length", new ByteArrayContent(new byte[1_000_000]));
Console.WriteLine($"POST http://api.internal/length: {await posted.Content.ReadAsStringAsync()}");

try
{
    await http.GetStringAsync("http://other.internal/");
}
catch (HttpRequestException exception) when (exception.GetBaseException() is SessionException refused)
{
    Console.WriteLine($"http://other.internal/ is refused: {refused.ErrorCode}");
}

await app.StopAsync();
