namespace MuxPro.Proxy.Configuration.Model;

/// <summary>The versions of Mux.Pro.</summary>
internal enum MuxVersion
{
    Private,

    [Alias("0.1")]
    V0_1,

    [Alias("0.0")]
    V0_0,
}

/// <summary>The versions as the library knows them.</summary>
internal static class MuxVersions
{
    public static IReadOnlyList<ProtocolVersion> ToVersions(this IReadOnlyList<MuxVersion> versions)
        => [.. versions.Select(static version => version switch
    {
        MuxVersion.V0_0 => ProtocolVersion.V0_0,
        MuxVersion.V0_1 => ProtocolVersion.V0_1,
        _ => ProtocolVersion.Private,
    })];
}
