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
    }

    public static async Task<(Link First, Link Second)> ConnectAsync(Kind kind, CancellationToken cancellationToken)
    {
        if (kind == Kind.Memory)
        {
            return Link.CreatePair();
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint, cancellationToken);
        return (Link.FromSocket(socket), Link.FromSocket(await listener.AcceptSocketAsync(cancellationToken)));
    }
}
