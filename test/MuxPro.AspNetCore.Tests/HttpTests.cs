using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MuxPro.AspNetCore.Tests.Support;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>ASP.NET Core inside sub-connections, and HttpClient over them.</summary>
public sealed class HttpTests
{
    private const long Large = 32 * 1024 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_KnowsItsSubConnection()
    {
        await using TestApp app = await TestApp.StartAsync(static app => app.MapGet("/", static (HttpContext context) =>
        {
            IMuxConnectionFeature mux = context.Features.Get<IMuxConnectionFeature>()!;
            bool isNamedAfterIt = context.Connection.Id.StartsWith(mux.MainConnectionId, StringComparison.Ordinal);
            return $"{mux.Session.Destination} {context.Request.Scheme} {context.Connection.RemoteIpAddress} {isNamedAfterIt}";
        }));
        await using ClientManager client = app.Connect();
        using var http = new HttpClient(client.CreateHttpHandler());
        Assert.Equal("tcp:api.internal:80 http 127.0.0.1 True", await http.GetStringAsync(new Uri("http://api.internal/"), Cancel));
    }

    [Fact]
    public async Task Http2_ManyRequestsAtOnce_ShareOneSubConnection()
    {
        const int Count = 200;
        int inside = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await TestApp.StartAsync(
            app => app.MapGet("/{number}", async (int number, HttpContext context) =>
            {
                // All at once means that none is answered before the last one has come.
                if (Interlocked.Increment(ref inside) == Count)
                {
                    all.SetResult();
                }

                await all.Task.WaitAsync(context.RequestAborted);
                return $"{number} {context.Request.Protocol} {context.Features.Get<IMuxConnectionFeature>()!.Session.Id}";
            }),
            static kestrel =>
            {
                kestrel.Limits.Http2.MaxStreamsPerConnection = Count;
                TestApp.ListenForMain(kestrel);
                kestrel.Listen(new MuxEndPoint("api.internal", 80), static listen => listen.Protocols = HttpProtocols.Http2);
            });
        await using ClientManager client = app.Connect();
        using HttpClient http = MakeHttpClient(client, HttpVersion.Version20);
        string[] answers = await Task.WhenAll(
            Enumerable.Range(0, Count).Select(number => http.GetStringAsync(new Uri($"http://api.internal/{number}"), Cancel))).Guarded();
        Assert.Equal(Enumerable.Range(0, Count).Select(static number => $"{number} HTTP/2 1"), answers);
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task LargeBodies_ArriveWhole(string version)
    {
        var bodies = new Bodies(new Payload(7), Large);
        await using TestApp app = await TestApp.StartAsync(
            bodies.Map,
            kestrel =>
            {
                kestrel.Limits.MaxRequestBodySize = null;
                TestApp.ListenForMain(kestrel);
                kestrel.Listen(
                    new MuxEndPoint("*", 80), listen => listen.Protocols = version == "2.0" ? HttpProtocols.Http2 : HttpProtocols.Http1);
            });
        await using ClientManager client = app.Connect();
        using HttpClient http = MakeHttpClient(client, Version.Parse(version));
        await bodies.CheckAsync(http, new Uri("http://any.internal/"));
    }

    [Fact]
    public async Task Https_RunsInsideTheSubConnection()
    {
        await using TestApp app = await TestApp.StartAsync(
            static app => app.MapGet("/", static (HttpContext context) => $"{context.Request.Scheme} {context.Request.Protocol}"),
            static kestrel =>
            {
                TestApp.ListenForMain(kestrel);
                kestrel.Listen(new MuxEndPoint("api.internal", 443), static listen => listen.UseHttps(Certificates.Server));
            });
        await using ClientManager client = app.Connect();
        SocketsHttpHandler handler = client.CreateHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate!.Equals(Certificates.Server);
        using var http = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20 };
        Assert.Equal("https HTTP/2", await http.GetStringAsync(new Uri("https://api.internal/"), Cancel));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task CancelledRequest_IsAbortedAtTheServer(string version)
    {
        var started = new TaskCompletionSource<Session>(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestApp app = await TestApp.StartAsync(
            app => app.MapPost("/", async (HttpContext context) =>
            {
                context.RequestAborted.Register(() => aborted.TrySetResult());
                started.SetResult(context.Features.Get<IMuxConnectionFeature>()!.Session);
                await aborted.Task;
            }),
            kestrel =>
            {
                TestApp.ListenForMain(kestrel);
                kestrel.Listen(
                    new MuxEndPoint("api.internal", 80),
                    listen => listen.Protocols = version == "2.0" ? HttpProtocols.Http2 : HttpProtocols.Http1);
            });
        await using ClientManager client = app.Connect();
        using HttpClient http = MakeHttpClient(client, Version.Parse(version));
        using var cancel = new CancellationTokenSource();

        // The server does not read it, so most of it waits for credit: what is cancelled has unsent bytes.
        using var upload = new PayloadContent(new Payload(1), Large);
        Task<HttpResponseMessage> request = http.PostAsync(new Uri("http://api.internal/"), upload, cancel.Token);
        Session session = await started.Task.Guarded();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request).Guarded();
        await aborted.Task.Guarded();
        if (version == "1.1")
        {
            // HTTP/2 resets the request and keeps the connection.
            await session.Completion.Guarded();
            Assert.Equal(ErrorCode.RemoteDisconnect, session.EndCode);
        }
    }

    [Fact]
    public async Task AnswerToItsEnd_EndsTheSubConnectionInOrder()
    {
        Session? session = null;
        await using TestApp app = await TestApp.StartAsync(app => app.MapGet("/", (HttpContext context) =>
        {
            session = context.Features.Get<IMuxConnectionFeature>()!.Session;
            context.Response.Headers.Connection = "close";
            return "done";
        }));
        await using ClientManager client = app.Connect();
        using var http = new HttpClient(client.CreateHttpHandler());

        // Without a length, the end of the stream is the end of the body.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://api.internal/")) { Version = HttpVersion.Version10 };
        using HttpResponseMessage answer = await http.SendAsync(request, Cancel);
        Assert.Equal("done", await answer.Content.ReadAsStringAsync(Cancel));
        await session!.Completion.Guarded();
    }

    [Fact]
    public async Task UnknownHost_IsRefusedWithItsCode()
    {
        await using TestApp app = await TestApp.StartAsync(static app => app.MapGet("/", static () => "hello"));
        await using ClientManager client = app.Connect();
        using var http = new HttpClient(client.CreateHttpHandler());
        HttpRequestException exception =
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("http://other.internal/"), Cancel));
        SessionException inner = Assert.IsType<SessionException>(exception.GetBaseException());
        Assert.Equal(ErrorCode.ProxyRejected, inner.ErrorCode);
        Assert.Equal("hello", await http.GetStringAsync(new Uri("http://api.internal/"), Cancel));
    }

    [Fact]
    public async Task FailingServer_FailsTheRequest_AndNoOther()
    {
        await using TestApp app = await TestApp.StartAsync(static app =>
        {
            app.MapGet("/", static () => "hello");
            app.MapGet("/throw", string () => throw new InvalidOperationException("on purpose"));
            app.MapGet("/abort", async (HttpContext context) =>
            {
                context.Response.ContentLength = 1000;
                await context.Response.Body.WriteAsync("half"u8.ToArray(), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
            });
        });
        await using ClientManager client = app.Connect();
        using var http = new HttpClient(client.CreateHttpHandler());
        HttpRequestException failed = await Assert.ThrowsAsync<HttpRequestException>(
            () => http.GetStringAsync(new Uri("http://api.internal/throw"), Cancel));
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        Assert.Contains("on purpose", app.Log.Single(), StringComparison.Ordinal);

        HttpRequestException cut = await Assert.ThrowsAsync<HttpRequestException>(
            () => http.GetStringAsync(new Uri("http://api.internal/abort"), Cancel));
        Assert.IsType<SessionException>(cut.GetBaseException());
        Assert.Equal("hello", await http.GetStringAsync(new Uri("http://api.internal/"), Cancel));
    }

    private static HttpClient MakeHttpClient(ClientManager client, Version version)
        => new(client.CreateHttpHandler())
        {
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
}
