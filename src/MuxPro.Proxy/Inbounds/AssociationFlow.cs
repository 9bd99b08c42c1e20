namespace MuxPro.Proxy.Inbounds;

/// <summary>One sub-connection of an association.</summary>
internal sealed class AssociationFlow(Destination target, DatagramLink link)
{
    private volatile DatagramLink? _link = link;

    /// <summary>What it was opened with.</summary>
    public Destination Target { get; } = target;

    /// <summary>The way, or <see langword="null"/> while there is none.</summary>
    public DatagramLink? Link
    {
        get => _link;
        set => _link = value;
    }

    /// <summary>When a datagram was last sent on it.</summary>
    public long LastUsed { get; set; }
}
