using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MuxPro.MacroBench.Peers;

/// <summary>
/// HTTP/2 cleartext with prior knowledge, Kestrel and <see cref="SocketsHttpHandler"/>: a stream is one POST with both bodies open. Windows
/// and frame sizes are the defaults; only limits that would end such streams are lifted.
/// </summary>
internal sealed class Http2Peer(Options options) : IStreamOpener
{
    private static readonly HttpMessageInvoker Client = new(new SocketsHttpHandler
    {
        EnableMultipleHttp2Connections = false,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    });

    private readonly Uri _address = new($"http://{options.Connect}/");

    public static async Task ServeAsync(Options options, Func<BenchStream, Task> handle)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = null;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue;
            kestrel.Listen(options.Listen, listen => listen.Protocols = HttpProtocols.Http2);
        });
        await using WebApplication application = builder.Build();
        application.Run(context => handle(new ServerStream(context)));
        await application.RunAsync();
    }

    public async ValueTask<BenchStream> OpenAsync(byte priority)
    {
        var content = new OpenContent();
        var request = new HttpRequestMessage(HttpMethod.Post, _address)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        Task<HttpResponseMessage> response = Client.SendAsync(request, CancellationToken.None);
        await Task.WhenAny(content.RequestStream, response);
        if (!content.RequestStream.IsCompletedSuccessfully)
        {
            (await response).EnsureSuccessStatusCode();
        }

        return new ClientStream(content, await content.RequestStream, response);
    }

    /// <summary>A request body that stays open until the stream is closed.</summary>
    private sealed class OpenContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Stream> RequestStream => _opened.Task;

        public void Close() => _closed.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _opened.TrySetResult(stream);
            return _closed.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class ClientStream(OpenContent content, Stream requestBody, Task<HttpResponseMessage> response)
        : ByteBenchStream(requestBody)
    {
        private readonly Stream _requestBody = requestBody;
        private Stream? _responseBody;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            await _requestBody.WriteAsync(bytes);
            await _requestBody.FlushAsync();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
        {
            _responseBody ??= await (await response).Content.ReadAsStreamAsync();
            return await _responseBody.ReadAsync(buffer);
        }

        public override async ValueTask CloseAsync()
        {
            content.Close();
            if (_responseBody is not null)
            {
                // Reading to the end lets the request finish instead of being reset.
                byte[] rest = new byte[1];
                while (await _responseBody.ReadAsync(rest) > 0)
                {
                }
            }

            (await response).Dispose();
        }
    }

    private sealed class ServerStream(HttpContext context) : PipeBenchStream(context.Request.BodyReader, context.Response.BodyWriter)
    {
        /// <summary>The server ends the stream when the handler returns.</summary>
        public override ValueTask CloseAsync() => ValueTask.CompletedTask;
    }
}
