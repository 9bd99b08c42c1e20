using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>An application's connection.</summary>
/// <param name="Link">Its bytes.</param>
/// <param name="Local">The address that it came in at.</param>
/// <param name="Source">The application's address.</param>
internal sealed record Application(Link Link, EndPoint? Local, EndPoint? Source)
{
    /// <summary>A connection that is a socket and nothing more.</summary>
    public static Application Of(Socket socket)
    {
        Link link = Link.FromSocket(socket);
        return new Application(link, Addresses.Plain(socket.LocalEndPoint), Addresses.Plain(link.RemoteEndPoint));
    }
}
