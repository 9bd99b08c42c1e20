namespace MuxPro.Protocol;

/// <summary>
/// The last few addresses of a flow of datagrams, by the bytes in which they come, so that a datagram from or to one of them makes no
/// objects. Not thread-safe.
/// </summary>
/// <param name="read">Makes the destination of an address; <see langword="null"/> where it is none.</param>
internal sealed class RecentAddresses(RecentAddresses.Reader read)
{
    private const int Most = 16;

    // Most flows have one.
    private readonly List<(byte[] Address, Destination Destination)> _known = new(1);
    private int _last;
    private int _next;

    internal delegate Destination? Reader(ReadOnlySpan<byte> address);

    /// <summary>Whether an address was found before, and not pushed out since.</summary>
    public bool Contains(ReadOnlySpan<byte> address) => IndexOf(address) >= 0;

    /// <summary>The destination that an address is.</summary>
    public Destination? Find(ReadOnlySpan<byte> address)
    {
        int index = IndexOf(address);
        if (index >= 0)
        {
            return _known[index].Destination;
        }

        Destination? destination = read(address);
        if (destination is not null)
        {
            Add(address, destination);
        }

        return destination;
    }

    private int IndexOf(ReadOnlySpan<byte> address)
    {
        if (_last < _known.Count && address.SequenceEqual(_known[_last].Address))
        {
            return _last;
        }

        for (int i = 0; i < _known.Count; i++)
        {
            if (address.SequenceEqual(_known[i].Address))
            {
                _last = i;
                return i;
            }
        }

        return -1;
    }

    private void Add(ReadOnlySpan<byte> address, Destination destination)
    {
        (byte[], Destination) entry = (address.ToArray(), destination);
        if (_known.Count < Most)
        {
            _last = _known.Count;
            _known.Add(entry);
            return;
        }

        _known[_next] = entry;
        _last = _next;
        _next = (_next + 1) % Most;
    }
}
