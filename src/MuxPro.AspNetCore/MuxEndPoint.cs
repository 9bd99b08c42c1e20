using System.Globalization;
using System.Net;

namespace MuxPro.AspNetCore;

/// <summary>
/// Where sub-connections arrive: an address that Kestrel can listen on, as in <c>kestrel.Listen(new MuxEndPoint("api.internal", 80))</c>.
/// It takes the sub-connections that ask for this host and port, over whatever main connection they come. Immutable.
/// </summary>
public sealed class MuxEndPoint : EndPoint, IEquatable<MuxEndPoint>
{
    private readonly IPAddress? _address;

    /// <summary>Makes the address.</summary>
    /// <param name="host">
    /// A domain name, <c>*.</c> before a domain name for all names below it, an IP address, or <c>*</c> for every host.
    /// </param>
    /// <param name="port">The port, 1 to 65,535; 0 for every port.</param>
    /// <exception cref="ArgumentException">The host is none of these.</exception>
    public MuxEndPoint(string host, int port = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        string name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
        if (host != "*" && !Destination.TryCreate(Network.Tcp, name, port, out _))
        {
            throw new ArgumentException($"'{host}' is not a domain name, '*.' and a domain name, an IP address, or '*'.", nameof(host));
        }

        Host = host;
        Port = port;
        _address = host == "*" ? null : Destination.Tcp(name, port).Address;
    }

    /// <summary>The host, or the pattern of hosts.</summary>
    public string Host { get; }

    /// <summary>The port, or 0 for every port.</summary>
    public int Port { get; }

    /// <summary>
    /// How narrow the address is: of two that match, the narrower takes the sub-connection. The host counts before the port.
    /// </summary>
    internal int Precedence => ((Host[0] != '*' ? ushort.MaxValue : Host.Length) * 2) + (Port == 0 ? 0 : 1);

    /// <summary>Whether sub-connections to a destination arrive here.</summary>
    /// <param name="destination">What a client asks for.</param>
    /// <returns>Whether network, host and port match.</returns>
    public bool Matches(Destination destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return destination.Network == Network.Tcp && (Port == 0 || Port == destination.Port) && MatchesHost(destination);
    }

    /// <inheritdoc/>
    public bool Equals(MuxEndPoint? other)
        => other is not null && Port == other.Port && string.Equals(Host, other.Host, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MuxEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(StringComparer.OrdinalIgnoreCase.GetHashCode(Host), Port);

    /// <summary>Host and port, for example <c>api.internal:80</c>.</summary>
    public override string ToString()
    {
        string host = _address?.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{host}:{Port}");
    }

    private bool MatchesHost(Destination destination)
    {
        if (Host == "*")
        {
            return true;
        }

        if (_address is not null)
        {
            return _address.Equals(destination.Address);
        }

        return Host[0] == '*'
            ? destination.Domain?.Length > Host.Length - 1 && destination.Domain.EndsWith(Host[1..], StringComparison.OrdinalIgnoreCase)
            : string.Equals(Host, destination.Domain, StringComparison.OrdinalIgnoreCase);
    }
}
