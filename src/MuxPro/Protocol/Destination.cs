using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Where a sub-connection goes to: network, host and port. Immutable.</summary>
public sealed class Destination : IEquatable<Destination>
{
    /// <summary>The special address <c>mux.pro:9527</c> (SPEC 7.1): a connection to it is itself a main connection.</summary>
    public static Destination MuxPro { get; } = new(Network.Tcp, "mux.pro", null, 9527);

    /// <summary>
    /// The special address of Mux.Cool (SPEC 9), <c>v1.mux.cool:9527</c>: whoever connects there gets a main connection of it.
    /// </summary>
    public static Destination MuxCool { get; } = new(Network.Tcp, "v1.mux.cool", null, 9527);

    private Destination(Network network, string? domain, IPAddress? address, int port)
    {
        Network = network;
        Domain = domain;
        Address = address;
        Port = port;
    }

    /// <summary>Stream or datagrams.</summary>
    public Network Network { get; }

    /// <summary>The domain name, or <see langword="null"/> when the host is an IP address.</summary>
    public string? Domain { get; }

    /// <summary>The IP address, or <see langword="null"/> when the host is a domain name.</summary>
    public IPAddress? Address { get; }

    /// <summary>Domain name or IP address as text.</summary>
    public string Host => Domain ?? Address!.ToString();

    /// <summary>The port, 0 to 65,535.</summary>
    public int Port { get; }

    /// <summary>Whether this is the special address of Mux.Cool (SPEC 9); the port is not checked.</summary>
    public bool IsMuxCool => Network == Network.Tcp && string.Equals(Domain, "v1.mux.cool", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether this is the special address (SPEC 7.1); the port is not checked.</summary>
    public bool IsMuxPro => Network == Network.Tcp && string.Equals(Domain, "mux.pro", StringComparison.OrdinalIgnoreCase);

    /// <summary>A stream to a host.</summary>
    /// <param name="host">A domain name of 1 to 255 letters, digits, '-', '_' and '.', or an IP address.</param>
    /// <param name="port">The port, 0 to 65,535.</param>
    /// <returns>The destination.</returns>
    /// <exception cref="ArgumentException">The host is neither.</exception>
    public static Destination Tcp(string host, int port) => Create(Network.Tcp, host, port);

    /// <summary>A stream to an address.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="port">The port, 0 to 65,535.</param>
    /// <returns>The destination.</returns>
    public static Destination Tcp(IPAddress address, int port) => Create(Network.Tcp, address, port);

    /// <summary>A flow of datagrams to a host.</summary>
    /// <param name="host">A domain name of 1 to 255 letters, digits, '-', '_' and '.', or an IP address.</param>
    /// <param name="port">The port, 0 to 65,535.</param>
    /// <returns>The destination.</returns>
    /// <exception cref="ArgumentException">The host is neither.</exception>
    public static Destination Udp(string host, int port) => Create(Network.Udp, host, port);

    /// <summary>A flow of datagrams to an address.</summary>
    /// <param name="address">An IPv4 or IPv6 address.</param>
    /// <param name="port">The port, 0 to 65,535.</param>
    /// <returns>The destination.</returns>
    public static Destination Udp(IPAddress address, int port) => Create(Network.Udp, address, port);

    /// <summary>Reads <c>host:port</c>, <c>[ipv6]:port</c>, or either behind <c>tcp:</c> or <c>udp:</c>.</summary>
    /// <param name="text">The text; without a network it is TCP.</param>
    /// <returns>The destination.</returns>
    /// <exception cref="FormatException">The text is no destination.</exception>
    public static Destination Parse(string text)
        => TryParse(text, out Destination? destination) ? destination : throw new FormatException($"'{text}' is not HOST:PORT.");

    /// <summary>Reads what <see cref="Parse"/> reads.</summary>
    /// <param name="text">The text.</param>
    /// <param name="destination">The destination.</param>
    /// <returns>Whether the text was a destination.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Destination? destination)
    {
        destination = null;
        if (text is null)
        {
            return false;
        }

        ReadOnlySpan<char> rest = text;
        Network network = Network.Tcp;
        if (rest.StartsWith("tcp:", StringComparison.OrdinalIgnoreCase) && rest[4..].Contains(':'))
        {
            rest = rest[4..];
        }
        else if (rest.StartsWith("udp:", StringComparison.OrdinalIgnoreCase) && rest[4..].Contains(':'))
        {
            network = Network.Udp;
            rest = rest[4..];
        }

        int colon = rest.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return false;
        }

        ReadOnlySpan<char> host = rest[..colon];
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (bracketed)
        {
            host = host[1..^1];
        }

        // An IPv6 address without brackets does not tell where the port starts.
        if (host.Contains(':') != bracketed)
        {
            return false;
        }

        return TryCreate(network, host.ToString(), port, out destination);
    }

    /// <summary>Makes a destination, if the host is a legal domain name or an IP address (SPEC 6.3.2).</summary>
    /// <param name="network">Stream or datagrams.</param>
    /// <param name="host">Domain name or IP address.</param>
    /// <param name="port">The port, 0 to 65,535.</param>
    /// <param name="destination">The destination.</param>
    /// <returns>Whether the host and the port were legal.</returns>
    public static bool TryCreate(Network network, string host, int port, [NotNullWhen(true)] out Destination? destination)
    {
        destination = null;
        if (port is < 0 or > ushort.MaxValue || string.IsNullOrEmpty(host))
        {
            return false;
        }

        // SPEC 6.3.2: a domain that reads as an IP address is taken as that address.
        if (LooksLikeAddress(host))
        {
            // The platform reads 010.0.0.1 as octal, others as decimal: what two readers take for two hosts is neither.
            if (!IPAddress.TryParse(host, out IPAddress? address)
                || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != host))
            {
                return false;
            }

            destination = new Destination(network, null, address, port);
            return true;
        }

        if (!IsLegalDomain(host))
        {
            return false;
        }

        destination = new Destination(network, host, null, port);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Destination? other)
        => other is not null && Network == other.Network && Port == other.Port
            && string.Equals(Domain, other.Domain, StringComparison.OrdinalIgnoreCase) && Equals(Address, other.Address);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Destination);

    /// <inheritdoc/>
    public override int GetHashCode()
        => HashCode.Combine(Network, Port, Domain is null ? 0 : StringComparer.OrdinalIgnoreCase.GetHashCode(Domain), Address);

    /// <summary>Network, host and port, for example <c>tcp:example.com:80</c> or <c>udp:[::1]:53</c>.</summary>
    public override string ToString()
    {
        string network = Network == Network.Udp ? "udp" : "tcp";
        string host = Address?.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Address}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{network}:{host}:{Port}");
    }

    internal static bool IsLegalDomain(ReadOnlySpan<char> domain)
        => domain.Length is >= 1 and <= 255 && !domain.ContainsAnyExcept(DomainCharacters);

    private static readonly SearchValues<char> DomainCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly SearchValues<char> DottedDigits = SearchValues.Create("0123456789.");

    // "1", "0x7f" and "127.1" are addresses to the platform's parser, and names to everyone else.
    private static bool LooksLikeAddress(string host)
        => host.Contains(':') || (host.Count('.') == 3 && !host.AsSpan().ContainsAnyExcept(DottedDigits));

    private static Destination Create(Network network, string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return TryCreate(network, host, port, out Destination? destination)
            ? destination
            : throw new ArgumentException($"'{host}' is neither a domain name nor an IP address.", nameof(host));
    }

    private static Destination Create(Network network, IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return new Destination(network, null, address, port);
    }
}
