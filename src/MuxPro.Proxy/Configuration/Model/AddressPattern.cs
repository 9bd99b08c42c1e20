using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Addresses: a network, or all that are not of the public internet.</summary>
internal sealed record AddressPattern : IConfigurationValue<AddressPattern>
{
    private const string PrivateName = "private";
    private const string Right = "an address such as 192.0.2.1 or 2001:db8::1, a network such as 10.0.0.0/8, or 'private'";

    private AddressPattern(IPNetwork? network) => Network = network;

    public static AddressPattern Private { get; } = new(network: null);

    public static string Pattern
        => "^((geoip:)?private|([0-9]{1,3}\\.){3}[0-9]{1,3}(/[0-9]{1,2})?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(/[0-9]{1,3})?)$";

    /// <summary>The network, or <see langword="null"/> for <c>private</c>.</summary>
    public IPNetwork? Network { get; }

    public static AddressPattern Parse(string text)
    {
        if (text == PrivateName || text == "geoip:private")
        {
            return Private;
        }

        // "10.0.0" is an address to the parser, 10.0.0.0, and not the one that was meant.
        string start = text.Split('/')[0];
        if (!IPAddress.TryParse(start, out IPAddress? address)
            || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != start))
        {
            throw new FormatException(Right);
        }

        return start.Length == text.Length ? new AddressPattern(new IPNetwork(address, address.GetAddressBytes().Length * 8))
            : IPNetwork.TryParse(text, out IPNetwork network) ? new AddressPattern(network) : throw new FormatException(Right);
    }

    public override string ToString() => Network?.ToString() ?? PrivateName;
}
