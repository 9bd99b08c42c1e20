using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>What V2Ray reads beside what its manual says, and the files of its users have.</summary>
public sealed class V2RayFilesTests
{
    private const string Good = """{ "inbounds": [ { "protocol": "socks", "port": 1080 } ], "outbounds": [ { "protocol": "freedom" } ] }""";

    [Fact]
    public void HashComments_AreRead_AndMoveNothing()
    {
        ConfigurationResult good = Read($"# é \" {{\r\n{Good[..^1]} # /*\n /* # */ }} // # \n#");
        Assert.Empty(good.Problems);
        Assert.NotNull(good.Configuration);

        ConfigurationResult result = Read("{ # one\n \"x#\\\"#\": \"http://a\", /* # */ \"limit\": {} // #\n}");
        Assert.Equal(
            [(2, 11, "$.x#\"#"), (2, 40, "$.limit")],
            result.Problems.Where(static problem => problem.Line > 1)
                .Select(static problem => (problem.Line, problem.Column, problem.Path)));
        Assert.Contains("the file is empty", Assert.Single(Read("# nothing\n").Problems).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0-65535", "1-65535")]
    [InlineData("0-1023,8080", "1-1023,8080")]
    public void PortsOfV2Ray_BeginAtZero(string written, string read)
        => Assert.Equal(PortRanges.Parse(read).Ranges, PortRanges.Parse(written).Ranges);

    [Theory]
    [InlineData("0")]
    [InlineData("0-0")]
    [InlineData("0-65536")]
    public void PortZero_IsNone(string written) => Assert.Throws<FormatException>(() => PortRanges.Parse(written));

    private static ConfigurationResult Read(string text) => Checked.ReadText("a.json", Encoding.UTF8.GetBytes(text));
}
