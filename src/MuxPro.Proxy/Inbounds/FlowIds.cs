using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// The GlobalIDs of applications' UDP sockets (SPEC 7.2): nobody can guess one, and the same socket gets the same one again.
/// </summary>
internal sealed class FlowIds
{
    private const int KeyBytes = 32;

    // Random numbers come from OpenSSL, which takes milliseconds to load: a program without UDP and TLS starts without it.
    private readonly Lazy<byte[]> _key;

    public FlowIds() => _key = new(static () => RandomNumberGenerator.GetBytes(KeyBytes));

    public FlowIds(byte[] key) => _key = new(key);

    public ulong Of(IPEndPoint source)
    {
        // SPEC 7.2: udp:source-address:port. Zero would mean that there is none.
        byte[] hash = HMACSHA256.HashData(_key.Value, Encoding.ASCII.GetBytes(Destination.Udp(source.Address, source.Port).ToString()));
        return Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(hash));
    }
}
