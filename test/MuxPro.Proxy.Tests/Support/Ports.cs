using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>
/// Ports of 127.0.0.1 for configurations, which cannot ask for "any": free a moment ago, given out once, and none of those that the system
/// takes for connections (32,768 and up), which others may have taken a moment later.
/// </summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Count = 12_000;

    // Several runs on one machine begin in different places.
    private static int Last = Random.Shared.Next(Count);

    public static int Take()
    {
        while (true)
        {
            int port = First + (int)((uint)Interlocked.Increment(ref Last) % Count);
            if (IsFree(port, SocketType.Stream, ProtocolType.Tcp) && IsFree(port, SocketType.Dgram, ProtocolType.Udp))
            {
                return port;
            }
        }
    }

    private static bool IsFree(int port, SocketType type, ProtocolType protocol)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
