using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Transports;

/// <summary>Sets what <c>sockopt</c> says.</summary>
internal static class SocketSettings
{
    // Linux's, of IPPROTO_TCP (tcp(7)).
    private const int TcpUserTimeout = 18;

    public static void Apply(SocketConfiguration options, Socket socket)
    {
        if (socket.ProtocolType != ProtocolType.Tcp)
        {
            return;
        }

        socket.NoDelay = true;
        if (options.TcpKeepAliveIdle < 0)
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, false);
        }
        else if (options.TcpKeepAliveIdle > 0 || options.TcpKeepAliveInterval > 0)
        {
            // Without it a peer that vanished is kept for ever, as long as nobody has anything to say to it.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        }

        if (options.TcpKeepAliveIdle > 0)
        {
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, options.TcpKeepAliveIdle);
        }

        if (options.TcpKeepAliveInterval > 0)
        {
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, options.TcpKeepAliveInterval);
        }

        if (options.TcpUserTimeout > 0 && OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, BitConverter.GetBytes(options.TcpUserTimeout));
        }
    }
}
