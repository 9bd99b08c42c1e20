using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using MuxPro.AspNetCore.Tests.Support;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>A gRPC service inside a sub-connection.</summary>
public sealed class GrpcTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task UnaryCall()
    {
        await using TestApp app = await StartAsync();
        await using ClientManager client = app.Connect();
        using GrpcChannel channel = OpenChannel(client);
        Line answer = await new Chatter.ChatterClient(channel).GreetAsync(new Line { Text = "Ada" }, cancellationToken: Cancel);
        Assert.Equal("Hello Ada", answer.Text);
    }

    [Fact]
    public async Task StreamsBothWays()
    {
        await using TestApp app = await StartAsync();
        await using ClientManager client = app.Connect();
        using GrpcChannel channel = OpenChannel(client);
        using AsyncDuplexStreamingCall<Line, Line> call = new Chatter.ChatterClient(channel).Talk(cancellationToken: Cancel);

        // Each answer comes before the next question is asked: neither direction waits for the end of the other.
        for (int i = 0; i < 100; i++)
        {
            await call.RequestStream.WriteAsync(new Line { Text = $"line {i}" }, Cancel);
            Assert.True(await call.ResponseStream.MoveNext(Cancel).Guarded());
            Assert.Equal($"LINE {i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Cancel).Guarded());
    }

    [Fact]
    public async Task Failure_HasItsStatus()
    {
        await using TestApp app = await StartAsync();
        await using ClientManager client = app.Connect();
        using GrpcChannel channel = OpenChannel(client);
        RpcException exception = await Assert.ThrowsAsync<RpcException>(
            async () => await new Chatter.ChatterClient(channel).GreetAsync(new Line(), cancellationToken: Cancel));
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
    }

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(
        static app => app.MapGrpcService<ChatterService>(),
        static kestrel =>
        {
            TestApp.ListenForMain(kestrel);
            kestrel.Listen(new MuxEndPoint("grpc.internal", 80), static listen => listen.Protocols = HttpProtocols.Http2);
        },
        static builder => builder.Services.AddGrpc());

    private static GrpcChannel OpenChannel(ClientManager client) => GrpcChannel.ForAddress(
        "http://grpc.internal", new GrpcChannelOptions { HttpHandler = client.CreateHttpHandler(), DisposeHttpClient = true });

    internal sealed class ChatterService : Chatter.ChatterBase
    {
        public override Task<Line> Greet(Line request, ServerCallContext context)
            => request.Text.Length == 0
                ? throw new RpcException(new Status(StatusCode.InvalidArgument, "Who are you?"))
                : Task.FromResult(new Line { Text = $"Hello {request.Text}" });

        public override async Task Talk(
            IAsyncStreamReader<Line> requestStream, IServerStreamWriter<Line> responseStream, ServerCallContext context)
        {
            await foreach (Line line in requestStream.ReadAllAsync(context.CancellationToken))
            {
                await responseStream.WriteAsync(new Line { Text = line.Text.ToUpperInvariant() }, context.CancellationToken);
            }
        }
    }
}
