using System.Text;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>Files: what is in the way of reading them, where problems of several are, and what they say together.</summary>
public sealed class ReaderTests : IDisposable
{
    private const string Good = """{ "inbounds": [ { "tag": "in", "protocol": "mixed", "port": 1080 } ],"""
        + """ "outbounds": [ { "tag": "out", "protocol": "direct" } ] }""";

    private readonly string _root = Directory.CreateTempSubdirectory("muxpro-reader-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void SyntaxError_HasItsPlace_AndOtherFilesAreReadOn()
    {
        ConfigurationResult result = Checked.Read(
            [Write("a.json", "{\n  \"log\": { \"format\": json }\n}"), Write("b.json", """{ "limit": {} }""")]);
        Assert.Null(result.Configuration);
        Assert.Equal([("a.json", 2, 22), ("b.json", 1, 12)], result.Problems.Select(
            static problem => (Path.GetFileName(problem.File), problem.Line, problem.Column)));
        Assert.EndsWith(
            "b.json:1:12: $.limit: there is no field 'limit' here; did you mean 'limits'?", result.Problems[1].ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCouldNotBeRead_HidesNothingElse()
    {
        ConfigurationResult result = Checked.Read([Write("a.json", """
            { "inbounds": [ { "tag": "in", "protocol": "mixed", "port": 1080 }, { "tag": "in", "protocol": "http", "port": 1081 } ],
              "outbounds": [ { "tag": "out", "protocol": "vmess", "mux": { "concurency": 8 } } ], "routing": { "rules": [ { "port": 1, "outboundTag": "missing" } ] } }
            """)]);
        Assert.Equal(
            ["$.inbounds[1].tag", "$.outbounds[0].mux.concurency", "$.outbounds[0].protocol", "$.routing.rules[0].outboundTag"],
            result.Problems.Select(static problem => problem.Path).Order(StringComparer.Ordinal));
        Assert.Contains(result.Problems, problem => problem.Message.Contains("'vmess' is V2Ray's", StringComparison.Ordinal));
    }

    [Fact(Timeout = 30_000)]
    public async Task WhatIsNoFile_IsNotWaitedFor()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "It has no FIFOs.");
        string fifo = Path.Combine(_root, "fifo");
        Assert.Equal(0, (await Tool.RunAsync("mkfifo", fifo)).ExitCode);
        foreach (string file in (string[])[fifo, "/dev/zero"])
        {
            Assert.Contains("empty, or is none", Assert.Single(Checked.Read([file]).Problems).Message, StringComparison.Ordinal);
            Assert.Throws<ConfigurationException>(() => KeyFile.Load(file));
            Assert.Equal(0, AuthorizedKeys.Load(file).Count);
        }
    }

    [Fact]
    public void Mistakes_WithoutEnd_AreNotAllSaid()
    {
        ConfigurationResult result = Checked.Read(
            [Write("a.json", $"{{ {string.Join(", ", Enumerable.Range(0, 50_000).Select(i => $"\"k{i}\": 1"))} }}")]);
        Assert.Equal(1001, result.Problems.Count);
        Assert.Contains("more problems", result.Problems[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ProblemOfALaterFile_IsThere()
    {
        ConfigurationResult result = Checked.Read(
            [
                Write("a.json", Good),
                Write("b.json", "{ \"inbounds\": [\n  { \"protocol\": \"http\", \"port\": 8080, \"listen\": \"here\" } ] }"),
            ]);
        ConfigurationProblem problem = Assert.Single(result.Problems);
        Assert.Equal(("b.json", 2, "$.inbounds[0].listen"), (Path.GetFileName(problem.File), problem.Line, problem.Path));
    }

    [Fact]
    public void TagOfOneFile_IsThereOnce_AndBothPlacesAreNamed()
    {
        ConfigurationResult result = Checked.Read(
            [
                Write("a.json", Good),
                Write(
                    "b.json",
                    "{ \"outbounds\": [\n{ \"tag\": \"x\", \"protocol\": \"direct\" },\n"
                        + "{ \"tag\": \"x\", \"protocol\": \"block\" } ] }"),
            ]);
        ConfigurationProblem problem = Assert.Single(result.Problems);
        Assert.Equal(3, problem.Line);
        Assert.Contains("b.json:2 has the tag 'x' already", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RulesOfLaterFiles_ComeLater_AndTheLastWordCounts()
    {
        ConfigurationResult result = Checked.Read(
        [
            Write("a.json", Good),
            Write(
                "b.json",
                """{ "routing": { "domainStrategy": "IPOnDemand", "rules": [ { "port": 1, "outboundTag": "out" } ] }, "log": """
                    + """{ "access": "none" } }"""),
            Write(
                "c.json",
                """{ "Routing": { "domainStrategy": "AsIs", "rules": [ { "port": 2, "outboundTag": "out" } ] }, "log": """
                    + """{ "loglevel": "error" } }"""),
        ]);
        Assert.Empty(result.Problems);
        DaemonConfiguration configuration = result.Configuration!;
        Assert.Equal(["1", "2"], configuration.Routing.Rules.Select(static rule => rule.Port!.ToString()));
        Assert.Equal(RoutingDomainStrategy.AsIs, configuration.Routing.DomainStrategy);
        Assert.Equal(("none", LogSeverity.Error), (configuration.Log.Access, configuration.Log.Loglevel));
    }

    [Theory]
    [InlineData("none.json", "there is no such file")]
    [InlineData("", "")]
    public void WhatIsNoFile_IsAProblemOfIt(string name, string words)
    {
        string file = Path.Combine(_root, name);
        ConfigurationProblem problem = Assert.Single(Checked.Read([file]).Problems);
        Assert.Equal((file, 0), (problem.File, problem.Line));
        Assert.Contains(words, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\uFEFF" + Good)]
    [InlineData("// first\n/* second\n */ " + Good + "\n// last")]
    [InlineData("\r\n\t" + Good + "\r\n")]
    public void WhatIsAroundIt_DoesNotMatter(string text) => Assert.Empty(Problems(text));

    [Theory]
    [InlineData(" \n\t")]
    [InlineData("\uFEFF")]
    [InlineData("// nothing else")]
    [InlineData(Good + " {}")]
    [InlineData("{ \"log\": { \"error\": \"\\ud800\" } }")]
    [InlineData("{ 'inbounds': [] }")]
    [InlineData("\"inbounds\"")]
    [InlineData("null")]
    [InlineData("{ \"limits\": { \"udpTimeout\": NaN } }")]
    public void WhatIsNoConfiguration_IsOneProblem(string text) => Assert.Single(Problems(text));

    [Theory]
    [InlineData("1e400")]
    [InlineData("99999999999999999999999999999999")]
    [InlineData("-1")]
    [InlineData("60.0")]
    [InlineData("\"60\"")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("[ 60 ]")]
    public void WhatIsNoNumber_IsSaid(string value)
    {
        string json = Good.Replace(
            "{ \"inbounds\"", "{ \"limits\": { \"udpTimeout\": " + value + " }, \"inbounds\"", StringComparison.Ordinal);
        ConfigurationProblem problem = Assert.Single(Problems(json));
        Assert.Equal("$.limits.udpTimeout", problem.Path);
        Assert.Contains("it is a whole number from 1 to 86400", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongValuesAndLineBreaks_LeaveAProblemOneLine()
    {
        string text = Assert.Single(Problems("{ \"a\\nb\": \"" + new string('x', 100_000) + "\", " + Good[1..])).ToString();
        Assert.DoesNotContain('\n', text);
        text = Assert.Single(Problems(Good.Replace("1080", "\"" + new string('9', 100_000) + "\"", StringComparison.Ordinal))).ToString();
        Assert.True(text.Length < 500, text);
    }

    [Fact]
    public void FieldByTwoNames_IsThereOnce()
    {
        string json = "{ \"routing\": { \"rules\": [ { \"domain\": \"a\", \"domains\": \"b\", \"outboundTag\": \"out\" } ] }, " + Good[1..];
        Assert.Contains("twice by different names", Assert.Single(Problems(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneValueForAList_AndSeveralInOne()
    {
        string json = """{ "routing": { "rules": [ { "domain": "full:a.example, b", "ip": "private","""
            + """ "inboundTag": "in", "outboundTag": "out" } ] }, """ + Good[1..];
        ConfigurationResult result = Checked.ReadText("c.json", Encoding.UTF8.GetBytes(json));
        Assert.Empty(result.Problems);
        RuleConfiguration rule = Assert.Single(result.Configuration!.Routing.Rules);
        Assert.Equal(["full:a.example", "keyword:b"], rule.Domain.Select(static domain => domain.ToString()));
        Assert.Equal(["private"], rule.Ip.Select(static address => address.ToString()));
        Assert.Equal(["in"], rule.InboundTag);
    }

    [Theory]
    [InlineData("$.reverse")]
    [InlineData("$.observatory")]
    [InlineData("$.log.dnsLog")]
    [InlineData("$.inbounds[0].sniffing")]
    [InlineData("$.inbounds[0].settings.userLevel")]
    [InlineData("$.inbounds[0].streamSettings.tcpSettings")]
    [InlineData("$.inbounds[0].streamSettings.sockopt.tproxy")]
    [InlineData("$.outbounds[0].streamSettings.tlsSettings.fingerprint")]
    [InlineData("$.outbounds[0].streamSettings.wsSettings.maxEarlyData")]
    [InlineData("$.outbounds[0].proxySettings.transportLayer")]
    [InlineData("$.outbounds[0].settings.servers[0].level")]
    [InlineData("$.outbounds[0].settings.servers[0].users[0].email")]
    [InlineData("$.routing.rules[0].attrs")]
    public void FieldOfV2Ray_ThatIsNotServed_SaysWhatIs(string path)
    {
        string leaf = "{}";
        foreach (string step in path[2..].Split('.').Reverse())
        {
            string name = step.Split('[')[0];
            string inner = leaf == "{}" && !step.Contains('[', StringComparison.Ordinal) ? "{}" : step.EndsWith(']') ? $"[ {leaf} ]" : leaf;
            string beside = name switch
            {
                "inbounds" or "outbounds" => "\"protocol\": \"socks\", ",
                _ => "",
            };
            inner = beside.Length > 0 ? inner.Replace("[ {", "[ { " + beside, StringComparison.Ordinal) : inner;
            leaf = $"{{ \"{name}\": {inner} }}";
        }

        IReadOnlyList<ConfigurationProblem> problems = Problems(leaf);
        Assert.Contains(
            problems,
            problem => problem.Path == path
                && problem.Message.Contains("is V2Ray's and not served here; instead: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_SaysWhatIsGood_AndWhatIsNot()
    {
        Write("1.json", Good);
        Assert.Equal(
            (ExitCode.Success, $"{Path.Combine(_root, "1.json")}: good: 1 inbound, 1 outbound, 0 rules.\n", ""),
            await RunAsync("check", "--confdir", _root));

        string bad = Write("2.jsonc", """{ "log": { "loglevel": "loud", "format": 5 } }""");
        (int exitCode, string output, string error) = await RunAsync("check", "-c", bad, "--confdir", _root);
        Assert.Equal((ExitCode.BadConfiguration, ""), (exitCode, output));
        string[] lines = error.TrimEnd('\n').Split('\n');
        Assert.Equal("muxpro: 2 problems.", lines[^1]);
        Assert.All(lines[..^1], line => Assert.StartsWith($"{bad}:1:", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_OfNothing_IsAMistake()
    {
        (int exitCode, _, string error) = await RunAsync("check", "--confdir", Path.Combine(_root, "none"));
        Assert.Equal(ExitCode.BadConfiguration, exitCode);
        Assert.Contains("--confdir", error, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int exitCode = await CommandLine.RunAsync(arguments, output, error, TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), error.ToString());
    }

    private static IReadOnlyList<ConfigurationProblem> Problems(string text)
        => Checked.ReadText("c.json", Encoding.UTF8.GetBytes(text)).Problems;

    private string Write(string name, string text)
    {
        string file = Path.Combine(_root, name);
        File.WriteAllText(file, text);
        return file;
    }
}
