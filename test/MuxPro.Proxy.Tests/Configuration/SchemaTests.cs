using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>What the schema takes the program takes, and the other way round, as far as form goes.</summary>
public sealed class SchemaTests
{
    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
    private static readonly JsonSchema Schema = JsonSchema.FromText(ConfigurationSchema.Create());

    // What stands in the place of each value of the samples.
    private static readonly string[] Others =
        ["true", "7", "-5", "1.5", "70000", "\"zzz\"", "\"\"", "[]", "{}", "[7]", "[\"zzz\"]", "{\"zzz\":1}", "null"];

    public static TheoryData<string> Samples => ConfigurationDocsTests.Samples;

    [Theory]
    [MemberData(nameof(Samples))]
    public void Samples_AreTaken(string file)
        => Assert.Equal((true, true), Verdicts(JsonNode.Parse(Read(file), documentOptions: Options)!));

    [Theory]
    [MemberData(nameof(Samples))]
    public void EachChangeOfASample_IsJudgedAlike(string file)
    {
        string text = Read(file);
        string[] paths = [.. PathsOf(JsonNode.Parse(text, documentOptions: Options)!)];
        foreach (string path in paths)
        {
            foreach (string other in Others)
            {
                JsonNode root = JsonNode.Parse(text, documentOptions: Options)!;
                Find(root, path).ReplaceWith(JsonNode.Parse(other));
                AssertAlike(root, $"{path} = {other}");
            }

            JsonNode without = JsonNode.Parse(text, documentOptions: Options)!;
            JsonNode at = Find(without, path);
            if (at.Parent is JsonObject parent)
            {
                string name = at.GetPropertyName();
                parent.Remove(name);
                AssertAlike(without, $"{path} left out");
                parent[name + "x"] = at;
                Assert.Equal((false, false), Verdicts(without));
            }
        }
    }

    [Theory]
    [InlineData("""{ "inbounds": [ { "protocol": "dokodemo-door", "port": "80-90", "settings": { "address": "a.example" } } ] }""", true)]
    [InlineData(
        """{ "outbounds": [ { "protocol": "freedom", "settings": { "domainStrategy": "UseIPv4" } }, { "protocol": "blackhole" } ] }""",
        true)]
    [InlineData(
        """{ "routing": { "rules": [ """
            + """{ "domains": "a.example", "ip": "10.0.0.0/8", "port": "53,80-90", "network": "tcp,udp", "outboundTag": "x" } ] } }""",
        true)]
    [InlineData("""{ "routing": { "rules": [ { "ip": [ "geoip:private", "::1", "2001:db8::/32" ], "port": 53 } ] } }""", true)]
    [InlineData("""{ "log": { "loglevel": "information" } }""", true)]
    [InlineData("""{ "log": { "loglevel": "loud" } }""", false)]
    [InlineData("""{ "policy": {} }""", false)]
    [InlineData("""{ "inbounds": { "protocol": "http" } }""", false)]
    [InlineData("""{ "inbounds": [ { "port": 80 } ] }""", false)]
    [InlineData("""{ "inbounds": [ { "protocol": "vmess" } ] }""", false)]
    [InlineData("""{ "inbounds": [ { "protocol": "forward", "settings": {} } ] }""", false)]
    [InlineData("""{ "inbounds": [ { "protocol": "forward" } ] }""", false)]
    [InlineData("""{ "inbounds": [ { "protocol": "http", "settings": { "udp": true } } ] }""", false)]
    [InlineData("""{ "inbounds": [ { "protocol": "http", "settings": { "accounts": [ { "user": "a" } ] } } ] }""", false)]
    [InlineData("""{ "outbounds": [ { "protocol": "mux", "settings": { "servers": [ { "address": "a", "port": "80" } ] } } ] }""", false)]
    [InlineData(
        """{ "outbounds": [ { "protocol": "mux", "settings": { "servers": [ { "address": "a", "port": 1, "users": [] } ] } } ] }""", false)]
    [InlineData("""{ "routing": { "rules": [ { "domain": [ 5 ] } ] } }""", false)]
    [InlineData("""{ "routing": { "rules": [ { "ip": [ "geoip:cn" ] } ] } }""", false)]
    [InlineData("""{ "routing": { "rules": [ { "domain": [ "geosite:cn" ] } ] } }""", false)]
    public void Both_SayTheSame(string json, bool isGood) => Assert.Equal((isGood, isGood), Verdicts(JsonNode.Parse(json)!));

    private static string Read(string file) => File.ReadAllText(Path.Combine(ConfigurationDocsTests.Root(), "samples", "config", file));

    private static void AssertAlike(JsonNode root, string change)
    {
        (bool schema, bool reader) = Verdicts(root);
        Assert.True(schema == reader, $"{change}: the schema says {schema}, the reader {reader}.");
    }

    private static (bool Schema, bool Reader) Verdicts(JsonNode root)
    {
        var problems = new List<ConfigurationProblem>();
        new ModelBinder(problems, new SourceMap()).Bind<DaemonConfiguration>(Parse(root));
        using var document = JsonDocument.Parse(root.ToJsonString());
        return (Schema.Evaluate(document.RootElement).IsValid, problems.Count == 0);
    }

    private static ConfigurationNode Parse(JsonNode root)
        => ConfigurationParser.Parse("c.json", Encoding.UTF8.GetBytes(root.ToJsonString()), [])!;

    private static IEnumerable<string> PathsOf(JsonNode node)
    {
        string path = node.GetPath();
        if (path == "$.$schema" || path == "$['$schema']")
        {
            yield break;
        }

        if (path != "$")
        {
            yield return path;
        }

        IEnumerable<JsonNode> inner = node switch
        {
            JsonObject fields => fields.Select(static field => field.Value!),
            JsonArray items => items.Select(static item => item!),
            _ => [],
        };
        foreach (string found in inner.SelectMany(PathsOf))
        {
            yield return found;
        }
    }

    private static JsonNode Find(JsonNode root, string path) => Walk(root).First(node => node.GetPath() == path);

    private static IEnumerable<JsonNode> Walk(JsonNode node) => (node switch
    {
        JsonObject fields => fields.SelectMany(static field => Walk(field.Value!)),
        JsonArray items => items.SelectMany(static item => Walk(item!)),
        _ => [],
    }).Prepend(node);
}
