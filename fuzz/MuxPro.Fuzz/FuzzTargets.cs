namespace MuxPro.Fuzz;

/// <summary>The targets by name. A target takes any bytes and throws when something is wrong.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["frames"] = FramesTarget.Run,
        ["connection"] = ConnectionTarget.Run,
        ["client"] = ClientTarget.Run,
    };
}
