using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Ports of 127.0.0.1 for configurations, which cannot ask for "any": free a moment ago, and given out once.</summary>
internal static class Ports
{
    private static readonly HashSet<int> Given = [];

    public static int Take()
    {
        lock (Given)
        {
            while (true)
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                int port = ((IPEndPoint)socket.LocalEndPoint!).Port;
                if (Given.Add(port))
                {
                    return port;
                }
            }
        }
    }
}
