using System.Globalization;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Where everything goes instead.</summary>
/// <param name="Host">The host, or <see langword="null"/> to keep the target's.</param>
/// <param name="Port">The port, or 0 to keep the target's.</param>
internal sealed record Redirect(string? Host, int Port) : IConfigurationValue<Redirect>
{
    public static string Pattern => "^.*:[0-9]{1,5}$";

    public static Redirect Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port > ushort.MaxValue
            || text is ":0")
        {
            throw new FormatException("'host:port', ':port' to keep the host, or 'host:0' to keep the port");
        }

        string host = text[..colon].Trim('[', ']');
        return host.Length == 0 || Destination.TryCreate(Network.Tcp, host, Math.Max(port, 1), out _)
            ? new Redirect(host.Length == 0 ? null : host, port)
            : throw new FormatException("a host is an address or a domain: 'host:port'");
    }

    public Destination Apply(Destination target)
    {
        int port = Port == 0 ? target.Port : Port;
        string host = Host ?? target.Host;
        return target.Network == Network.Tcp ? Destination.Tcp(host, port) : Destination.Udp(host, port);
    }

    public override string ToString() => $"{Host}:{Port}";
}
