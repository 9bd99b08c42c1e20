using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Shared;

/// <summary>How addresses are shown.</summary>
internal static class Addresses
{
    /// <summary>An IPv4 address that came in through an IPv6 socket (<c>::ffff:192.0.2.1</c>) as what it is.</summary>
    public static EndPoint? Plain(EndPoint? endPoint)
        => endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
            ? new IPEndPoint(Plain(mapped.Address), mapped.Port)
            : endPoint;

    /// <inheritdoc cref="Plain(EndPoint?)"/>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>The other end, or <see langword="null"/> where it is gone.</summary>
    public static EndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return Plain(socket.RemoteEndPoint);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
