using System.Net.Sockets;
using System.Runtime.InteropServices;
using MuxPro.Core;

namespace MuxPro.Transports;

/// <summary>
/// Socket options and figures that the engine uses where the kernel has them (Linux; numbers from linux/tcp.h and asm-generic/socket.h).
/// </summary>
internal sealed class SocketTuning(Socket socket)
{
    private const int SocketLevel = 1;
    private const int BufferLock = 72;
    private const int ReceiveBufferLocked = 2;

    private const int IpProtoTcp = 6;
    private const int TcpInfo = 11;
    private const int TcpNotSentLowWater = 25;

    // struct tcp_info: where its fields stand. Times are in milliseconds, round-trip times in microseconds.
    private const int ProbesOffset = 3;
    private const int LastAcknowledgementOffset = 56;
    private const int RoundTripOffset = 68;
    private const int RetransmissionsOffset = 100;
    private const int BytesAcknowledgedOffset = 120;
    private const int LeastRoundTripOffset = 148;
    private const int TcpInfoLength = 152;

    // What waits unsent in the kernel can no longer be overtaken by a higher priority. Measured: no loss of throughput from 64 KiB up.
    private const int NotSentLowWater = 128 * 1024;

    // Between near hosts the kernel lets megabytes wait for a receiver that is busy, and everything waits behind them. So much is enough
    // to keep 2.5 GB/s going over 100 us. The kernel takes it times two, for its own structures.
    private const int NearReceiveBuffer = 192 * 1024;
    private static readonly TimeSpan Near = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan Far = TimeSpan.FromMicroseconds(200);

    private readonly bool _hasFigures = OperatingSystem.IsLinux() && socket.ProtocolType == ProtocolType.Tcp;
    private bool _isNear;

    /// <summary>Sets what a main connection wants of its socket.</summary>
    public void Apply()
    {
        if (_hasFigures)
        {
            Try(() => SetOption(IpProtoTcp, TcpNotSentLowWater, NotSentLowWater));
            _ = Look();
        }
    }

    /// <summary>
    /// Reads the kernel's figures (all zero where it has none) and makes the receive buffer fit the distance, which is learned and may
    /// change.
    /// </summary>
    public TcpFigures Look()
    {
        TcpFigures figures = Read();
        Adapt(figures);
        return figures;
    }

    private void Adapt(in TcpFigures figures)
    {
        if (!_isNear && figures.LeastRoundTripTime > TimeSpan.Zero && figures.LeastRoundTripTime <= Near)
        {
            _isNear = true;
            Try(() =>
            {
                // Somebody else may have chosen a size.
                if ((GetOption(SocketLevel, BufferLock) & ReceiveBufferLocked) == 0)
                {
                    socket.ReceiveBufferSize = NearReceiveBuffer;
                }
            });
        }
        else if (_isNear && figures.LeastRoundTripTime > Far)
        {
            _isNear = false;
            Try(() => SetOption(SocketLevel, BufferLock, GetOption(SocketLevel, BufferLock) & ~ReceiveBufferLocked));
        }
    }

    private TcpFigures Read()
    {
        if (!_hasFigures)
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
                TimeSpan.FromMicroseconds(MemoryMarshal.Read<uint>(info[LeastRoundTripOffset..])),
                info[ProbesOffset],
                MemoryMarshal.Read<uint>(info[RetransmissionsOffset..]),
                TimeSpan.FromMilliseconds(MemoryMarshal.Read<uint>(info[LastAcknowledgementOffset..])),
                MemoryMarshal.Read<long>(info[BytesAcknowledgedOffset..]));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return default;
        }
    }

    private static void Try(Action set)
    {
        try
        {
            set();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // An old kernel, or a socket that is closed already: the engine works without, or finds out.
        }
    }

    private int GetOption(int level, int name)
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        _ = socket.GetRawSocketOption(level, name, value);
        return MemoryMarshal.Read<int>(value);
    }

    private void SetOption(int level, int name, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        MemoryMarshal.Write(bytes, value);
        socket.SetRawSocketOption(level, name, bytes);
    }
}
