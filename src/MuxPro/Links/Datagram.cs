namespace MuxPro;

/// <summary>One datagram, as it came.</summary>
/// <param name="data">The payload.</param>
/// <param name="address">Where it came from, or is to go to.</param>
public readonly struct Datagram(ReadOnlyMemory<byte> data, Destination address)
{
    /// <summary>The payload, 0 to 65,535 bytes. Valid until the next receive of the same link.</summary>
    public ReadOnlyMemory<byte> Data { get; } = data;

    /// <summary>Where it came from; at a server that takes it from a client, where it is to go to.</summary>
    public Destination Address { get; } = address;
}
