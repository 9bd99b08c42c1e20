using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>An application's connection.</summary>
/// <param name="Link">Its bytes.</param>
/// <param name="Socket">What it goes over, the link's; <see langword="null"/> where that is none.</param>
/// <param name="Source">The application's address.</param>
internal sealed record Application(Link Link, Socket? Socket, EndPoint? Source)
{
    /// <summary>The address that it came in at. The socket keeps what it was asked for, and few ask.</summary>
    public EndPoint? Local => Addresses.Plain(Socket?.LocalEndPoint);

    /// <summary>A connection that is a socket and nothing more.</summary>
    public static Application Of(Socket socket)
    {
        Link link = Link.FromSocket(socket);
        return new Application(link, socket, Addresses.Plain(link.RemoteEndPoint));
    }
}
