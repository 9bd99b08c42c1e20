using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>What is said of files that a configuration names, and of who may come in.</summary>
public sealed class SecurityChecksTests : IDisposable
{
    private const string SomePin = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private readonly string _root = Directory.CreateTempSubdirectory("muxpro-checks-").FullName;

    public SecurityChecksTests()
    {
        using var server = KeyFile.Create("server", TimeProvider.System);
        using var other = KeyFile.Create("other", TimeProvider.System);
        server.Save(PathOf("server.pem"));
        other.Save(PathOf("other.pem"));
        File.WriteAllText(PathOf("authorized"), $"{server.Pin} ann\n");
        File.WriteAllText(PathOf("bad"), "# keys\nann\n");
        File.WriteAllText(PathOf("empty"), "");
        SaveExpired();
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("server.pem", "null", "")]
    [InlineData("server.pem", "server.pem", "")]
    [InlineData("server.pem", "other.pem", "keyFile")]
    [InlineData("server.pem", "none.pem", "keyFile")]
    [InlineData("server.pem", "empty", "keyFile")]
    [InlineData("none.pem", "null", "certificateFile")]
    [InlineData("empty", "null", "certificateFile")]
    [InlineData("bad", "null", "certificateFile")]
    public void Certificate_IsReadWithItsKey(string certificate, string key, string field)
    {
        string files = $"\"certificateFile\": \"DIR/{certificate}\"" + (key == "null" ? "" : $", \"keyFile\": \"DIR/{key}\"");
        IReadOnlyList<ConfigurationProblem> problems = Inbound(
            $$"""{ "security": "tls", "tlsSettings": { "certificates": [ { {{files}} } ] } }""");
        string right = $"$.inbounds[0].streamSettings.tlsSettings.certificates[0].{field}";
        Assert.Equal(field.Length == 0 ? [] : [right], problems.Select(static problem => problem.Path));
        Assert.All(problems, problem => Assert.Contains(_root, problem.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void ExpiredCertificate_IsAWarning()
    {
        ConfigurationProblem problem = Assert.Single(
            Inbound("""{ "security": "tls", "tlsSettings": { "certificates": [ { "certificateFile": "DIR/expired.pem" } ] } }"""));
        Assert.True(problem.IsWarning);
        Assert.Contains("has expired on 2020-", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"caFile\": \"DIR/none.pem\", \"verifyClientCertificate\": true", "caFile")]
    [InlineData("\"caFile\": \"DIR/empty\", \"verifyClientCertificate\": true", "caFile")]
    [InlineData("\"caFile\": \"DIR/server.pem\"", "caFile")]
    [InlineData("\"pins\": [ \"" + SomePin + "\" ]", "pins")]
    [InlineData("\"pins\": [ \"sha256:12\" ]", "pins[0]")]
    [InlineData("\"pins\": [ \"" + SomePin + "\" ], \"verifyClientCertificate\": true", "")]
    public void WhoVouchesForClients_Counts(string tls, string field)
    {
        IReadOnlyList<ConfigurationProblem> problems = Inbound(
            $$"""{ "security": "tls", "tlsSettings": { "certificates": [ { "certificateFile": "DIR/server.pem" } ], {{tls}} } }""");
        Assert.Equal(
            field.Length == 0 ? [] : [$"$.inbounds[0].streamSettings.tlsSettings.{field}"],
            problems.Select(static problem => problem.Path));
    }

    [Theory]
    [InlineData("\"authorizedKeys\": \"DIR/authorized\"", true, "")]
    [InlineData("\"authorizedKeys\": \"DIR/authorized\"", false, "settings.authorizedKeys")]
    [InlineData("\"authorizedKeys\": \"DIR/none\"", true, "settings.authorizedKeys")]
    [InlineData("\"authorizedKeys\": \"DIR/bad\"", true, "settings.authorizedKeys")]
    [InlineData("\"authorizedKeys\": \"DIR/authorized\", \"allowAnonymous\": true", true, "settings.allowAnonymous")]
    [InlineData("\"allowAnonymous\": true", true, "")]
    [InlineData("\"allowAnonymous\": true", false, "")]
    [InlineData("\"allowAnonymous\": false", true, "listen")]
    [InlineData("\"protocols\": [], \"allowAnonymous\": true", true, "settings.protocols")]
    public void MuxInbound_SaysWhoMayComeIn(string settings, bool isTls, string field)
    {
        string stream = isTls
            ? """{ "security": "tls", "tlsSettings": { "certificates": [ { "certificateFile": "DIR/server.pem" } ] } }"""
            : "{}";
        IReadOnlyList<ConfigurationProblem> problems = Problems(
            $$"""{ "inbounds": [ { "protocol": "mux", "listen": "0.0.0.0", "port": 9527, "settings": { {{settings}} }, "streamSettings": """
                + $$"""{{stream}} } ], "outbounds": [ { "protocol": "direct" } ] }""");
        Assert.Equal(field.Length == 0 ? [] : [$"$.inbounds[0].{field}"], problems.Select(static problem => problem.Path));
    }

    [Theory]
    [InlineData("\"settings\": { \"auth\": \"noauth\", \"accounts\": [ { \"user\": \"a\", \"pass\": \"b\" } ] }", "settings.auth")]
    [InlineData(
        "\"settings\": { \"accounts\": [ { \"user\": \"a\", \"pass\": \"b\" }, { \"user\": \"a\", \"pass\": \"c\" } ] }",
        "settings.accounts[1].user")]
    [InlineData("\"settings\": { \"accounts\": [ { \"user\": \"a:b\", \"pass\": \"c\" } ] }", "settings.accounts[0].user")]
    [InlineData("\"settings\": { \"accounts\": [ { \"user\": \"a\", \"pass\": \"\" } ] }", "settings.accounts[0].pass")]
    [InlineData("\"streamSettings\": { \"network\": \"unix\" }", "listen|port")]
    [InlineData("\"streamSettings\": { \"wsSettings\": { \"path\": \"mux\" } }", "streamSettings.wsSettings.path")]
    [InlineData("\"streamSettings\": { \"tlsSettings\": { \"minVersion\": \"1.2\" } }", "streamSettings.tlsSettings")]
    public void Inbounds_AreChecked(string fields, string paths)
    {
        IReadOnlyList<ConfigurationProblem> problems = Problems(
            $$"""{ "inbounds": [ { "protocol": "socks", "port": 1080, {{fields}} } ], "outbounds": [ { "protocol": "direct" } ] }""");
        Assert.Equal(paths.Split('|').Select(static path => $"$.inbounds[0].{path}"), problems.Select(static problem => problem.Path));
    }

    [Theory]
    [InlineData(
        "\"protocol\": \"direct\", \"sendThrough\": \"127.0.0.1\", \"settings\": { \"domainStrategy\": \"UseIPv6\" }", "sendThrough")]
    [InlineData("\"protocol\": \"direct\", \"sendThrough\": \"::1\", \"settings\": { \"domainStrategy\": \"UseIPv6\" }", "")]
    [InlineData("\"protocol\": \"direct\", \"streamSettings\": { \"security\": \"tls\" }", "streamSettings")]
    [InlineData("\"protocol\": \"direct\", \"settings\": { \"redirect\": \"a:99999\" }", "settings.redirect")]
    [InlineData("\"protocol\": \"block\", \"mux\": { \"enabled\": true }", "mux")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a b\", \"port\": 1 }, { \"address\": \"a\" } ] }",
        "settings.servers[0].address|settings.servers[1]")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1 } ] }, "
            + "\"mux\": { \"protocol\": \"mux.cool\", \"concurrency\": 500 }", "mux.concurrency")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1 } ] }, \"mux\": { \"concurrency\": -1 }",
        "mux")]
    [InlineData(
        "\"protocol\": \"http\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1, \"users\": [ { \"user\": \"a\", "
            + "\"pass\": \"b\" }, { \"user\": \"c\", \"pass\": \"d\" } ] } ] }", "settings.servers[0].users[1]")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"/run/a\", \"port\": 1 } ] }, "
            + "\"streamSettings\": { \"network\": \"unix\" }", "settings.servers[0].port")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1, \"pins\": [ \"" + SomePin + "\" ] } ] }",
        "settings.servers[0].pins")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1 } ] }, \"mux\": { \"versions\": [] }",
        "mux.versions")]
    [InlineData(
        "\"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a\", \"port\": 1 } ] }, \"mux\": { \"maxBytes\": \"10X\" }",
        "mux.maxBytes")]
    public void Outbounds_AreChecked(string fields, string paths)
    {
        IReadOnlyList<ConfigurationProblem> problems = Problems(
            $$"""{ "inbounds": [ { "protocol": "socks", "port": 1080 } ], "outbounds": [ { {{fields}} } ] }""");
        Assert.Equal(
            paths.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(static path => $"$.outbounds[0].{path}"),
            problems.Select(static problem => problem.Path));
    }

    private IReadOnlyList<ConfigurationProblem> Inbound(string stream)
        => Problems(
            $$"""{ "inbounds": [ { "protocol": "mux", "port": 9527, "streamSettings": {{stream}} } ], "outbounds": [ """
                + $$"""{ "protocol": "direct" } ] }""");

    private IReadOnlyList<ConfigurationProblem> Problems(string json)
        => Checked.ReadText("c.json", Encoding.UTF8.GetBytes(json.Replace("DIR", _root, StringComparison.Ordinal))).Problems;

    private string PathOf(string file) => Path.Combine(_root, file);

    private void SaveExpired()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=old", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(
            new DateTimeOffset(2019, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2020, 6, 1, 0, 0, 0, TimeSpan.Zero));
        File.WriteAllText(PathOf("expired.pem"), $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }
}
