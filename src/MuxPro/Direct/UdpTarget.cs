using System.Buffers;
using System.Net;

namespace MuxPro;

/// <summary>
/// One target of a flow of datagrams: its address, or what waits for it. Guarded by the lock of its owner, unless said otherwise.
/// </summary>
internal sealed class UdpTarget(Destination destination)
{
    // What an application may send before it hears that a name is slow: a handshake's worth.
    private const int MostWaiting = 16;
    private const int MostWaitingBytes = 128 * 1024;

    private Queue<Waiting>? _waiting; // present while the name is looked up
    private int _waitingBytes;

    public Destination Destination { get; } = destination;

    /// <summary>
    /// Where to send to; <see langword="null"/> while it is looked up, and when there is no address or none that is allowed.
    /// </summary>
    public SocketAddress? Address { get; private set; }

    public bool IsLookingUp => _waiting is not null;

    /// <summary>When it was used last, or found to have no address.</summary>
    public long Since { get; set; }

    /// <summary>When the socket has refused a datagram for it, if it was the last one. The sender's own.</summary>
    public long? RefusedAt { get; set; }

    public void StartLookup() => _waiting = new Queue<Waiting>();

    public void Settle(SocketAddress? address)
    {
        Address = address;
        _waiting = null;
    }

    public bool TryQueue(ReadOnlySpan<byte> data)
    {
        if (_waiting is null || _waiting.Count >= MostWaiting || _waitingBytes + data.Length > MostWaitingBytes)
        {
            return false;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(data.Length);
        data.CopyTo(buffer);
        _waiting.Enqueue(new Waiting(buffer, data.Length));
        _waitingBytes += data.Length;
        return true;
    }

    public bool TryTake(out Waiting next)
    {
        if (!_waiting!.TryDequeue(out next))
        {
            return false;
        }

        _waitingBytes -= next.Data.Length;
        return true;
    }

    /// <summary>A datagram that waits.</summary>
    internal readonly struct Waiting(byte[] buffer, int length)
    {
        public ReadOnlySpan<byte> Data => buffer.AsSpan(0, length);

        public void Return() => ArrayPool<byte>.Shared.Return(buffer);
    }
}
