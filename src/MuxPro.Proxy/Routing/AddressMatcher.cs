using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Routing;

/// <summary>Whether an address is one of those that a rule names.</summary>
internal sealed class AddressMatcher
{
    private readonly PrefixMap<bool> _networks = new();
    private readonly bool _hasPrivate;

    public AddressMatcher(IReadOnlyList<AddressPattern> patterns)
    {
        foreach (AddressPattern pattern in patterns)
        {
            if (pattern.Network is { } network)
            {
                _networks.GetOrAdd(network, static () => true);
            }
            else
            {
                _hasPrivate = true;
            }
        }
    }

    public bool Matches(IPAddress address)
    {
        address = Addresses.Plain(address);
        if (_hasPrivate && AddressRanges.NotPublic(address) is not null)
        {
            return true;
        }

        foreach (int length in _networks.LengthsFor(address))
        {
            if (_networks.TryGet(address, length, out _))
            {
                return true;
            }
        }

        return false;
    }

    public bool MatchesAny(ReadOnlySpan<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
        {
            if (Matches(address))
            {
                return true;
            }
        }

        return false;
    }
}
