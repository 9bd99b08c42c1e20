using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MuxPro.Connection;

/// <summary>What the kernel knows of a TCP connection.</summary>
/// <param name="RoundTripTime">Smoothed; zero where it is not known.</param>
/// <param name="IsWaiting">Whether something was sent, or a closed window probed, that the other host has not acknowledged.</param>
/// <param name="SinceAcknowledgement">How long ago the other host last acknowledged anything.</param>
/// <param name="BytesAcknowledged">All that it has acknowledged.</param>
internal readonly record struct TcpFigures(TimeSpan RoundTripTime, bool IsWaiting, TimeSpan SinceAcknowledgement, long BytesAcknowledged);

/// <summary>Socket options and figures that the engine uses where the kernel has them (Linux; numbers from linux/tcp.h).</summary>
internal static class SocketTuning
{
    private const int IpProtoTcp = 6;
    private const int TcpInfo = 11;
    private const int TcpNotSentLowWater = 25;

    // struct tcp_info: where its fields stand. Times are in milliseconds, the round-trip time in microseconds.
    private const int ProbesOffset = 3;
    private const int UnacknowledgedOffset = 24;
    private const int LastAcknowledgementOffset = 56;
    private const int RoundTripOffset = 68;
    private const int BytesAcknowledgedOffset = 120;
    private const int TcpInfoLength = 128;

    // What waits unsent in the kernel can no longer be overtaken by a higher priority. Measured: no loss of throughput from 64 KiB up.
    private const int NotSentLowWater = 128 * 1024;

    public static void Apply(Socket socket)
    {
        if (!HasFigures(socket))
        {
            return;
        }

        try
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            MemoryMarshal.Write(value, NotSentLowWater);
            socket.SetRawSocketOption(IpProtoTcp, TcpNotSentLowWater, value);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // An old kernel, or a socket that is closed already: the engine works without, or finds out.
        }
    }

    /// <summary>The kernel's figures; all zero where it has none.</summary>
    public static TcpFigures Read(Socket socket)
    {
        if (!HasFigures(socket))
        {
            return default;
        }

        try
        {
            Span<byte> info = stackalloc byte[TcpInfoLength];
            if (socket.GetRawSocketOption(IpProtoTcp, TcpInfo, info) < TcpInfoLength)
            {
                return default;
            }

            return new TcpFigures(
                TimeSpan.FromMicroseconds(MemoryMarshal.Read<uint>(info[RoundTripOffset..])),
                IsWaiting: info[ProbesOffset] != 0 || MemoryMarshal.Read<uint>(info[UnacknowledgedOffset..]) != 0,
                TimeSpan.FromMilliseconds(MemoryMarshal.Read<uint>(info[LastAcknowledgementOffset..])),
                MemoryMarshal.Read<long>(info[BytesAcknowledgedOffset..]));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return default;
        }
    }

    private static bool HasFigures(Socket socket) => OperatingSystem.IsLinux() && socket.ProtocolType == ProtocolType.Tcp;
}
