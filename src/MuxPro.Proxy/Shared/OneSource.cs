namespace MuxPro.Proxy.Shared;

/// <summary>
/// Lets in what comes from one peer of a full-cone flow, which anybody may send to. A peer that is a name is somewhere else looked up:
/// then the first one that answers from its port is it.
/// </summary>
internal sealed class OneSource(Destination peer)
{
    private Destination? _address;

    /// <summary>Whether a datagram from there is the peer's.</summary>
    public bool Admits(Destination source)
    {
        if (source.Equals(_address ?? peer))
        {
            return true;
        }

        if (peer.Domain is null || _address is not null || source.Port != peer.Port)
        {
            return false;
        }

        _address = source;
        return true;
    }
}
