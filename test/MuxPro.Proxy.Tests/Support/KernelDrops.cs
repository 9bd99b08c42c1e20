using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>What the kernel had no room for (SO_MEMINFO of Linux).</summary>
internal static class KernelDrops
{
    private const int SocketLevel = 1;
    private const int MemInfo = 55;
    private const int Drops = 8; // SK_MEMINFO_DROPS, the last number

    public static long Of(Socket socket)
    {
        Span<uint> numbers = stackalloc uint[Drops + 1];
        Assert.Equal(numbers.Length * sizeof(uint), socket.GetRawSocketOption(SocketLevel, MemInfo, MemoryMarshal.AsBytes(numbers)));
        return numbers[Drops];
    }
}
