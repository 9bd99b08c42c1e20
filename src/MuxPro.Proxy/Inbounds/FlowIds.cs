using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace MuxPro.Proxy.Inbounds;

/// <summary>The GlobalIDs of applications' UDP sockets (SPEC 7.2): nobody can guess one, and the same socket gets the same one again.</summary>
internal sealed class FlowIds(byte[] key)
{
    private const int KeyBytes = 32;

    public FlowIds()
        : this(RandomNumberGenerator.GetBytes(KeyBytes))
    {
    }

    public ulong Of(IPEndPoint source)
    {
        // SPEC 7.2: udp:source-address:port. Zero would mean that there is none.
        byte[] hash = HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(Destination.Udp(source.Address, source.Port).ToString()));
        return Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(hash));
    }
}
