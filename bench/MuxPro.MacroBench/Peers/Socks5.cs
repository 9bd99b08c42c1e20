using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MuxPro.MacroBench.Peers;

/// <summary>CONNECT without authentication.</summary>
internal static class Socks5
{
    public static async Task ConnectAsync(Socket socket, IPEndPoint target)
    {
        using var stream = new NetworkStream(socket);
        byte[] reply = new byte[10];
        await stream.WriteAsync(new byte[] { 5, 1, 0 });
        await stream.ReadExactlyAsync(reply.AsMemory(0, 2));
        ThrowIfRefused(reply);

        byte[] request = [5, 1, 0, 1, .. target.Address.MapToIPv4().GetAddressBytes(), 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(8), (ushort)target.Port);
        await stream.WriteAsync(request);
        await stream.ReadExactlyAsync(reply);
        ThrowIfRefused(reply);
    }

    private static void ThrowIfRefused(byte[] reply)
    {
        if (reply[1] != 0)
        {
            throw new IOException($"the SOCKS5 proxy refused with {reply[1]}");
        }
    }
}
