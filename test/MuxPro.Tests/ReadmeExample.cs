namespace MuxPro.Tests;

/// <summary>The code of README.md: it has to compile. DocsTests compares the two; samples show the same things running.</summary>
internal static class ReadmeExample
{
    public static async Task ClientAsync(CancellationToken ct)
    {
        // <client>
        // A pool of TLS connections to a server; nothing is dialled before the first sub-connection.
        await using var client = MuxClient.Connect(ct => Link.ConnectTlsAsync("relay.example", 9527, ct));

        // One sub-connection: a stream of its own, with its own flow control and its own end.
        await using Session session = await client.OpenAsync(Destination.Tcp("example.com", 80), ct);
        Stream stream = session.AsStream();
        // </client>
        await stream.FlushAsync(ct);
    }

    public static async Task ServerAsync(Link link, CancellationToken ct)
    {
        // <server>
        // The server: connects each sub-connection to its target, those in private networks too unless DirectOptions.AllowPrivate = false.
        await new Server(new DirectDispatcher()).RunAsync(link, ct);
        // </server>
    }

    public static async Task AcceptAsync(Link link, Func<Session, CancellationToken, Task> HandleAsync, CancellationToken ct)
    {
        // <accept>
        // Or it serves the sub-connections itself: a handler that fails resets its own alone, and is logged.
        await new Server().RunAsync(link, async (incoming, aborted) => await HandleAsync(incoming, aborted), ct);
        // </accept>
    }
}
