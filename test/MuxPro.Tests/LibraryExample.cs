using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace MuxPro.Tests;

/// <summary>The code of docs/library.md: it has to compile. DocsTests compares the two.</summary>
internal static class LibraryExample
{
    public static async Task PriorityAsync(ClientManager client, CancellationToken ct)
    {
        // <priority>
        // 0 is served first, 255 last; 128 is the default.
        await using Session interactive = await client.OpenAsync(Destination.Tcp("example.com", 22), priority: 0, ct);
        await using Session backup = await client.OpenAsync(Destination.Tcp("example.com", 873), priority: 255, ct);
        // </priority>
    }

    public static async Task ListenAsync(CancellationToken ct)
    {
        // <listener>
        var server = new Server(new DirectDispatcher(new DirectOptions { AllowPrivate = false }));
        using var listener = new TcpListener(IPAddress.Loopback, 9527);
        listener.Start();
        while (true)
        {
            Socket socket = await listener.AcceptSocketAsync(ct);
            _ = server.RunAsync(Link.FromSocket(socket), ct); // does not fail; how it ended is logged
        }
        // </listener>
    }

    // <tls-server>
    public static async Task ServeTlsAsync(Socket socket, Server server, X509Certificate2 certificate, CancellationToken ct)
    {
        Link link;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(TimeSpan.FromSeconds(10));
            link = await Link.AcceptTlsAsync(socket, new SslServerAuthenticationOptions { ServerCertificate = certificate }, limit.Token);
        }
        catch (Exception exception) when (exception is IOException or System.Security.Authentication.AuthenticationException or OperationCanceledException)
        {
            return; // no TLS, or not in time; the socket is closed
        }

        await server.RunAsync(link, ct);
    }
    // </tls-server>

    public static ClientManager ConnectTls()
    {
        // <tls-client>
        var tls = new SslClientAuthenticationOptions { TargetHost = "relay.example" };
        ClientManager client = MuxClient.Connect(ct => Link.ConnectTlsAsync("relay.example", 9527, tls, ct));
        // </tls-client>
        return client;
    }

    public static ClientManager ConnectWithOptions(Func<CancellationToken, ValueTask<Link>> dial, ILoggerFactory loggers)
    {
        // <options>
        var options = new MuxOptions
        {
            LoggerFactory = loggers,
            WriteTimeout = TimeSpan.FromSeconds(30),
            SilenceTimeout = TimeSpan.FromSeconds(10),
        };
        ClientManager client = MuxClient.Connect(dial, new ClientStrategy { MaxConcurrency = 32 }, options);
        // </options>
        return client;
    }

    public static HttpClient MakeHttpClient(ClientManager client)
    {
        // <http>
        var http = new HttpClient(client.CreateHttpHandler());
        // </http>
        return http;
    }
}
