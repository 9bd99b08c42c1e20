using System.Runtime.CompilerServices;

namespace MuxPro.House.Tests;

/// <summary>Knowledge goes one way: each room knows its own things and what lies below it.</summary>
public sealed class FloorTests
{
    private static readonly FloorPlan Library = new(
        "Protocol",
        "MuxException.cs MuxErrors.cs",
        "Core",
        "Buffers",
        "Links",
        "MuxOptions.cs OptionRules.cs",
        "Diagnostics",
        "Transports",
        "Sessions",
        "Engine",
        "IDispatcher.cs",
        "Relays",
        "Client",
        "Direct",
        "Server",
        "Http",
        "MuxClient.cs");

    private static readonly FloorPlan Program = new(
        "Shared",
        "Configuration",
        "Security",
        "Http",
        "Socks",
        "Routing",
        "Transports",
        "Outbounds",
        "Dispatch",
        "Inbounds",
        "Hosting",
        "Cli",
        "Program.cs");

    [Fact]
    public void Library_LooksDownOnly() => Check(Library, "src/MuxPro");

    [Fact]
    public void Program_LooksDownOnly() => Check(Program, "src/MuxPro.Proxy");

    [Fact]
    public void Library_ShowsItsInsideToTestsAndBenchmarksOnly()
    {
        IEnumerable<string> friends = typeof(MuxClient).Assembly.GetCustomAttributes(typeof(InternalsVisibleToAttribute), inherit: false)
            .Cast<InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName);
        Assert.Equal(["MuxPro.Benchmarks", "MuxPro.Fuzz", "MuxPro.Tests"], friends.Order(StringComparer.Ordinal));
    }

    private static void Check(FloorPlan plan, string folder)
    {
        UpwardUse[] uses = plan.FindUpwardUses(SourceFile.ReadAll(folder));
        Exemptions.Check(uses, use => use.Edge, []);
    }
}
