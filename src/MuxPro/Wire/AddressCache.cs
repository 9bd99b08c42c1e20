namespace MuxPro.Wire;

/// <summary>The last few addresses of a flow, so that a datagram from one of them allocates nothing. Not thread-safe.</summary>
internal sealed class AddressCache
{
    private const int Size = 8; // a power of two

    private readonly (byte[] Raw, Destination Destination)[] _entries = new (byte[], Destination)[Size];

    /// <summary>Whether these bytes are a whole address that was read before.</summary>
    public bool Contains(ReadOnlySpan<byte> raw) => Entry(raw) is { Raw: { } known } && raw.SequenceEqual(known);

    /// <summary>The address that was read from these bytes; read again where it was pushed out.</summary>
    /// <param name="raw">Port, type and address, which were read without a fault before.</param>
    public Destination Get(ReadOnlySpan<byte> raw)
    {
        ref (byte[] Raw, Destination Destination) entry = ref Entry(raw);
        if (entry.Raw is null || !raw.SequenceEqual(entry.Raw))
        {
            _ = DestinationCodec.TryRead(Network.Udp, raw, out Destination? destination, out _, out _);
            entry = (raw.ToArray(), destination!);
        }

        return entry.Destination;
    }

    private ref (byte[] Raw, Destination Destination) Entry(ReadOnlySpan<byte> raw)
    {
        var hash = new HashCode();
        hash.AddBytes(raw);
        return ref _entries[hash.ToHashCode() & (Size - 1)];
    }
}
