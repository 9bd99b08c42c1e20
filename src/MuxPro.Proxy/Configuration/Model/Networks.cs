namespace MuxPro.Proxy.Configuration.Model;

/// <summary>TCP, UDP or both.</summary>
internal readonly record struct Networks : IConfigurationValue<Networks>
{
    private Networks(bool tcp, bool udp) => (HasTcp, HasUdp) = (tcp, udp);

    public static Networks Tcp { get; } = new(true, false);

    public static Networks Udp { get; } = new(false, true);

    public static Networks Both { get; } = new(true, true);

    public static string Pattern => "^(tcp|udp|tcp, ?udp|udp, ?tcp)$";

    public bool HasTcp { get; }

    public bool HasUdp { get; }

    public bool Has(Network network) => network == Network.Tcp ? HasTcp : HasUdp;

    public static Networks Parse(string text) => text.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant() switch
    {
        "tcp" => Tcp,
        "udp" => Udp,
        "tcp,udp" or "udp,tcp" => Both,
        _ => throw new FormatException("'tcp', 'udp' or 'tcp,udp'"),
    };

    public override string ToString() => (HasTcp, HasUdp) switch
    {
        (true, true) => "tcp,udp",
        (false, true) => "udp",
        _ => "tcp",
    };
}
