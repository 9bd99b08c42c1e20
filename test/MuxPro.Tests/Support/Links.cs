using System.Net;
using System.Net.Sockets;

namespace MuxPro.Tests.Support;

/// <summary>Two connected links of a kind.</summary>
public static class Links
{
    public enum Kind
    {
        Memory,
        Socket,
        Session,
    }

    public static async Task<(Link First, Link Second)> ConnectAsync(Kind kind, CancellationToken cancellationToken)
    {
        if (kind == Kind.Memory)
        {
            return Link.CreatePair();
        }

        if (kind == Kind.Session)
        {
            return await OpenSessionAsync(cancellationToken);
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint, cancellationToken);
        return (Link.FromSocket(socket), Link.FromSocket(await listener.AcceptSocketAsync(cancellationToken)));
    }

    private static async Task<(Link First, Link Second)> OpenSessionAsync(CancellationToken cancellationToken)
    {
        (Link near, Link far) = Link.CreatePair();
        ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near));
        var accepted = new TaskCompletionSource<Session>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task serving = ServeAsync();
        Session first = await client.OpenAsync(Destination.Tcp("relay.example", 7), cancellationToken);
        Session second = await accepted.Task.WaitAsync(cancellationToken);
        _ = CloseAsync();
        return (first, second);

        async Task ServeAsync()
        {
            await foreach (Session session in new Server().AcceptAllAsync(far, CancellationToken.None))
            {
                accepted.SetResult(session);
            }
        }

        async Task CloseAsync()
        {
            await first.Completion;
            await second.Completion;
            await client.DisposeAsync();
            await serving;
        }
    }
}
