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

    public static async Task AskAsync(ClientManager client, byte[] query, CancellationToken ct)
    {
        // <datagrams>
        await using DatagramSession flow = await client.OpenDatagramsAsync(Destination.Udp("192.0.2.53", 53), cancellationToken: ct);
        if (await flow.SendAsync(query, cancellationToken: ct)) // false: there was no room, it is dropped and counted
        {
            Datagram? answer = await flow.ReceiveAsync(ct); // null: the other end is done
            Console.WriteLine($"{answer?.Data.Length} bytes from {answer?.Address}");
        }

        // The same flow reaches any other target, and any source may answer.
        await flow.SendAsync(query, Destination.Udp("198.51.100.53", 53), ct);
        // </datagrams>
    }

    public static async Task StopAsync(Server server, TcpListener listener)
    {
        // <drain>
        listener.Stop();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        int cut = await server.DrainAsync(deadline.Token); // sub-connections that were still open at the deadline
        // </drain>
        Console.WriteLine(cut);
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
        catch (Exception exception)
            when (exception is IOException or System.Security.Authentication.AuthenticationException or OperationCanceledException)
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

    public static ClientManager ConnectWithStrategy(Func<CancellationToken, ValueTask<Link>> dial)
    {
        // <strategy>
        var strategy = new ClientStrategy
        {
            MaxConcurrency = 32,          // sub-connections open at once on a main connection
            MaxConnection = 0,            // in its life: no limit
            MaxAge = TimeSpan.FromHours(1),
            MaxBytes = 10L << 30,
            DatagramConcurrency = 16,     // flows of datagrams have main connections of their own
        };
        ClientManager client = MuxClient.Connect(dial, strategy);
        // </strategy>
        return client;
    }

    public static ClientManager ConnectToTwo(ClientStrategy strategy)
    {
        // <failover>
        var paris = new DialingWorkerFactory(ct => Link.ConnectTlsAsync("paris.example", 9527, ct), strategy);
        var oslo = new DialingWorkerFactory(ct => Link.ConnectTlsAsync("oslo.example", 9527, ct), strategy);
        var servers = new FailoverWorkerFactory(("paris", paris), ("oslo", oslo));
        var client = new ClientManager(new LeastLoadedWorkerPicker(servers));
        // </failover>
        return client;
    }

    public static async Task ConnectAsync(ClientManager client, CancellationToken ct)
    {
        // <connect>
        try
        {
            await using Session session = await client.ConnectAsync(Destination.Tcp("example.com", 80), cancellationToken: ct);
        }
        catch (SessionException exception) when (exception.ErrorCode == ErrorCode.DestinationUnreachable)
        {
            // the server did not reach example.com (exception.Detail says more); its other sub-connections live on
        }
        catch (MainConnectionException)
        {
            // no server was reached
        }
        // </connect>
    }

    public static HttpClient MakeHttpClient(ClientManager client)
    {
        // <http>
        var http = new HttpClient(client.CreateHttpHandler());
        // </http>
        return http;
    }
}
