using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using MuxPro.AspNetCore.Tests.Support;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>Main connections over WebSockets.</summary>
public sealed class WebSocketTests
{
    private const long Large = 100_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ws")]
    [InlineData("wss")]
    public async Task HundredMegabytes_EachWay(string scheme)
    {
        var bodies = new Bodies(new Payload(3), Large);
        await using TestApp app = await StartAsync(bodies.Map, secure: scheme == "wss");
        await using ClientManager client = Connect(app, scheme);
        using var http = new HttpClient(client.CreateHttpHandler());
        await bodies.CheckAsync(http, new Uri("http://api.internal/"));
    }

    [Fact]
    public async Task Close_IsTheEndOfTheStream_InEachDirection()
    {
        (Link near, Link far) = ConnectPair();
        await near.Output.WriteAsync("question"u8.ToArray(), Cancel);
        await near.Output.CompleteAsync();
        using var question = new StreamReader(far.Input.AsStream());
        Assert.Equal("question", await question.ReadToEndAsync(Cancel));

        // The other direction is open still.
        await far.Output.WriteAsync("answer"u8.ToArray(), Cancel);
        await far.Output.CompleteAsync();
        using var answer = new StreamReader(near.Input.AsStream());
        Assert.Equal("answer", await answer.ReadToEndAsync(Cancel));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Abort_IsAnError_NotAnEnd(bool byClient)
    {
        (Link client, Link server) = ConnectPair();
        (byClient ? client : server).Abort();
        Stream other = (byClient ? server : client).AsStream();
        await Assert.ThrowsAsync<IOException>(async () => await other.ReadExactlyAsync(new byte[1], Cancel)).Guarded();
        client.Abort();
        server.Abort();
    }

    [Fact]
    public async Task MainConnection_EndsInOrder_WhenTheClientIsDisposed()
    {
        await using TestApp app = await StartAsync(static app => app.MapGet("/", static () => "hello"));
        var dialled = new TaskCompletionSource<ClientWorker>(TaskCreationOptions.RunContinuationsAsynchronously);
        Link link = await Link.ConnectWebSocketAsync(new Uri($"ws://127.0.0.1:{app.Port}/mux"), cancellationToken: Cancel);
        await using (ClientWorker worker = await ClientWorker.StartAsync(link, cancellationToken: Cancel))
        {
            dialled.SetResult(worker);
        }

        Assert.Equal(MainConnectionEnd.ClosedLocally, (await dialled.Task).Failure!.Reason);
        await Guard.UntilAsync(
            () => app.App.Services.GetRequiredService<Hosting.MuxServerHost>().OpenMainConnections == 0,
            static () => "The server keeps the main connection.");
    }

    [Fact]
    public async Task HostStop_EndsTheMainConnection()
    {
        await using TestApp app = await StartAsync(static app => app.MapGet("/", static () => "hello"));
        await using ClientWorker worker = await ClientWorker.StartAsync(
            await Link.ConnectWebSocketAsync(new Uri($"ws://127.0.0.1:{app.Port}/mux"), cancellationToken: Cancel),
            cancellationToken: Cancel);
        await app.App.StopAsync(Cancel).Guarded();
        await worker.Completion.Guarded();
        Assert.Equal(MainConnectionEnd.ClosedByPeer, worker.Failure!.Reason);
    }

    [Fact]
    public async Task PlainRequest_IsToldToUpgrade()
    {
        await using TestApp app = await StartAsync(static _ => { });
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://127.0.0.1:{app.Port}/mux"), Cancel);
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
    }

    [Fact]
    public async Task WithoutTheMiddleware_TheErrorSaysSo()
    {
        await using TestApp app = await TestApp.StartAsync(
            static app => app.MapMuxPro("/mux"), static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await Assert.ThrowsAsync<WebSocketException>(
            () => Link.ConnectWebSocketAsync(new Uri($"ws://127.0.0.1:{app.Port}/mux"), cancellationToken: Cancel).AsTask());
        Assert.Contains("UseWebSockets", app.Log.Single(), StringComparison.Ordinal);
    }

    private static Task<TestApp> StartAsync(Action<WebApplication> map, bool secure = false) => TestApp.StartAsync(
        app =>
        {
            app.UseWebSockets();
            app.MapMuxPro("/mux");
            map(app);
        },
        kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                if (secure)
                {
                    listen.UseHttps(Certificates.Server);
                }
            });
            kestrel.Listen(new MuxEndPoint("api.internal", 80));
        });

    private static ClientManager Connect(TestApp app, string scheme) => MuxClient.Connect(cancellationToken => Link.ConnectWebSocketAsync(
        new Uri($"{scheme}://127.0.0.1:{app.Port}/mux"),
        static options
            => options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(Certificates.Server),
        cancellationToken));

    /// <summary>Two links over one WebSocket, in memory.</summary>
    private static (Link Client, Link Server) ConnectPair()
    {
        (Link near, Link far) = Link.CreatePair();
        var client = WebSocket.CreateFromStream(near.AsStream(), new WebSocketCreationOptions { IsServer = false });
        var server = WebSocket.CreateFromStream(far.AsStream(), new WebSocketCreationOptions { IsServer = true });
        return (Link.FromWebSocket(client), Link.FromWebSocket(server));
    }
}
