using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MuxPro;

/// <summary>The datagrams for which a socket had no room when they came, as Linux counts them (linux/sock_diag.h).</summary>
internal static class KernelDrops
{
    // SOL_SOCKET, SO_MEMINFO, SK_MEMINFO_DROPS, SK_MEMINFO_VARS.
    private const int SocketLevel = 1;
    private const int MemInfoOption = 55;
    private const int DropsIndex = 8;
    private const int Count = 9;

    /// <summary>
    /// How many so far; <see langword="null"/> where the system does not say (Linux does from 4.12 on), and when the socket is closed.
    /// </summary>
    public static uint? Of(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        Span<uint> numbers = stackalloc uint[Count];
        try
        {
            int length = socket.GetRawSocketOption(SocketLevel, MemInfoOption, MemoryMarshal.AsBytes(numbers));
            return length == Count * sizeof(uint) ? numbers[DropsIndex] : null;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
