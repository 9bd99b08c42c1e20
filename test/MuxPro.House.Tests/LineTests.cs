namespace MuxPro.House.Tests;

/// <summary>A line fits the screen, and a file a head.</summary>
public sealed class LineTests
{
    private static readonly string[] Folders = ["src", "test", "bench", "fuzz", "samples", "eng"];

    // Files that are still to be parted.
    private static readonly string[] LongFiles =
    [
        "test/MuxPro.Proxy.Tests/Daemons/DaemonTests.cs",
        "test/MuxPro.Proxy.Tests/Inbounds/SocksAssociationTests.cs",
        "test/MuxPro.Tests/Core/ReceiveCreditTests.cs",
        "test/MuxPro.Tests/Engine/DatagramTests.cs",
        "test/MuxPro.Tests/Engine/MuxCoolTests.cs",
    ];

    [Fact]
    public void NoLine_IsTooLong()
        => Exemptions.Check(Files().SelectMany(LongLine.FindIn), line => line.Path, []);

    [Fact]
    public void NoFile_IsTooLong()
        => Exemptions.Check(
            Files().Select(file => new FileLength(file.Path, file.Text.AsSpan().Count('\n'))).Where(
                length => length.Lines > FileLength.Limit),
            length => length.Path,
            LongFiles);

    [Fact]
    public void LineOf141Columns_IsFound()
    {
        string text = $"// {new string('a', 137)}\n// {new string('b', 138)}\n";
        LongLine line = Assert.Single(LongLine.FindIn(new SourceFile("Cellar/Wine.cs", text)));
        Assert.Equal("Cellar/Wine.cs(2): 141 columns; 140 is the most.", line.ToString());
    }

    [Fact]
    public void RawString_IsDataAndMayBeLong()
    {
        string text = $"""""
            string data = """
                {new string('a', 200)}
                """;
            string code = """{new string('b', 200)}""";
            """"";
        LongLine line = Assert.Single(LongLine.FindIn(new SourceFile("Cellar/Wine.cs", text)));
        Assert.Equal(4, line.Number);
    }

    private static IEnumerable<SourceFile> Files()
        => Folders.SelectMany(folder => SourceFile.ReadAll(folder).Select(file => file with { Path = $"{folder}/{file.Path}" }));

    private sealed record FileLength(string Path, int Lines)
    {
        public const int Limit = 300;

        public override string ToString() => $"{Path} has {Lines} lines; {Limit} is the most.";
    }
}
