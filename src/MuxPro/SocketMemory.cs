using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MuxPro;

/// <summary>What Linux tells of a socket's buffers.</summary>
internal static class SocketMemory
{
    // SOL_SOCKET and SO_MEMINFO of Linux; the answer is a row of numbers, of which the ninth (SK_MEMINFO_DROPS) counts datagrams that found no room.
    private const int SocketLevel = 1;
    private const int MemoryInformation = 55;
    private const int Drops = 8;

    /// <summary>How many datagrams the kernel has dropped because the socket's buffer was full.</summary>
    public static bool TryGetDrops(Socket socket, out uint drops)
    {
        drops = 0;
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        try
        {
            Span<byte> numbers = stackalloc byte[(Drops + 1) * sizeof(uint)];
            if (socket.GetRawSocketOption(SocketLevel, MemoryInformation, numbers) < numbers.Length)
            {
                return false;
            }

            drops = MemoryMarshal.Cast<byte, uint>(numbers)[Drops];
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
