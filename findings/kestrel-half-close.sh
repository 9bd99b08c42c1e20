#!/usr/bin/env bash
# One would have sworn: a client that has sent its whole request and then ends its direction (`nc -N`, shutdown(SHUT_WR)) gets its answer.
#   TCP's half-close says "nothing more to come", not "I have left".
# What happens: Kestrel takes the end of the client's direction for a client that went away. RequestAborted fires while the application
#   works, what it writes goes nowhere, and the client gets an end of stream without one byte. It comes from the socket transport: it
#   cancels ConnectionContext.ConnectionClosed when it reads the end. With a transport of one's own that ends its input and leaves
#   ConnectionClosed alone, the same Kestrel answers.
# Version: ASP.NET Core 10.0.12.
# Source: dotnet/aspnetcore, src/Servers/Kestrel/Transport.Sockets/src/Internal/SocketConnection.cs, DoReceive(): FireConnectionClosed()
#   when a receive returns nothing; Kestrel/Core/src/Internal/HttpConnection.cs: ConnectionClosed leads to OnInputOrOutputCompleted(). RFC
#   9112 section 9.6 speaks of half-close by a server; RFC 9293 section 3.6: who closed "may continue to RECEIVE until the TCP receiver is
#   told that the remote peer has CLOSED also".
# Seen: below.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

byte[] request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray();

(WebApplication sockets, TaskCompletionSource<bool> aborted) = await StartAsync(null);
foreach (bool ends in (bool[])[false, true])
{
    using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
    client.Connect("127.0.0.1", new Uri(sockets.Urls.First()).Port);
    using var reader = new StreamReader(new NetworkStream(client));
    client.Send(request);
    if (ends)
    {
        client.Shutdown(SocketShutdown.Send);
    }

    string answer = reader.ReadToEnd();
    Console.WriteLine($"sockets, {(ends ? "ended" : "open")}={Status(answer)}");
}

Console.WriteLine($"aborted={await aborted.Task.WaitAsync(TimeSpan.FromSeconds(10))}");

foreach (bool closes in (bool[])[false, true])
{
    var link = new MemoryConnection();
    await StartAsync(new MemoryListener(link));
    await link.ToServer.Writer.WriteAsync(request);
    await link.ToServer.Writer.CompleteAsync();
    if (closes)
    {
        link.Close();
    }

    using var reader = new StreamReader(link.FromServer.Reader.AsStream());
    Console.WriteLine($"memory, {(closes ? "closed" : "not closed")}={Status(reader.ReadToEnd())}");
}

Environment.Exit(0);

static string Status(string answer) => answer.Length == 0 ? "no byte" : $"{answer.Split(' ')[1]}, {answer[^6..]}";

static async Task<(WebApplication, TaskCompletionSource<bool>)> StartAsync(IConnectionListenerFactory factory)
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
    if (factory is not null)
    {
        builder.Services.AddSingleton(factory);
    }

    var aborted = new TaskCompletionSource<bool>();
    WebApplication app = builder.Build();
    app.Run(async context =>
    {
        context.RequestAborted.Register(() => aborted.TrySetResult(true));
        await Task.Delay(300);
        context.Response.ContentLength = 6;
        await context.Response.WriteAsync("answer");
    });
    await app.StartAsync();
    return (app, aborted);
}

sealed class MemoryConnection : ConnectionContext, IDuplexPipe
{
    private readonly CancellationTokenSource _closed = new();

    public Pipe ToServer { get; } = new();
    public Pipe FromServer { get; } = new();
    public PipeReader Input => ToServer.Reader;
    public PipeWriter Output => FromServer.Writer;
    public override string ConnectionId { get; set; } = "memory";
    public override IFeatureCollection Features { get; } = new FeatureCollection();
    public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();
    public override IDuplexPipe Transport { get => this; set { } }
    public override CancellationToken ConnectionClosed { get => _closed.Token; set { } }
    public void Close() => _closed.Cancel();
    public override ValueTask DisposeAsync() => FromServer.Writer.CompleteAsync();
}

sealed class MemoryListener(ConnectionContext only) : IConnectionListenerFactory, IConnectionListener
{
    private ConnectionContext _next = only;

    public EndPoint EndPoint { get; private set; }
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken)
    {
        EndPoint = endpoint;
        return new(this);
    }

    public async ValueTask<ConnectionContext> AcceptAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _next, null) is { } next)
        {
            return next;
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken) => default;
    public ValueTask DisposeAsync() => default;
}
EOF
program
timeout -s KILL 60 dotnet out/program.dll >seen
seen_of() { sed -n "s/^$1=//p" seen; }
expect "over sockets, the client's direction stays open" "200, answer" "$(seen_of 'sockets, open')"
expect "over sockets, the client has ended its direction" "no byte" "$(seen_of 'sockets, ended')"
expect "RequestAborted fired" "True" "$(seen_of aborted)"
expect "in memory, input ended, ConnectionClosed not cancelled" "200, answer" "$(seen_of 'memory, not closed')"
expect "in memory, input ended, ConnectionClosed cancelled" "no byte" "$(seen_of 'memory, closed')"
