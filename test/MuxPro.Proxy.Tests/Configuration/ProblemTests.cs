using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>What is said of configurations that are not good: where, what is wrong, and what would be right.</summary>
public sealed class ProblemTests
{
    private const string Out = "\"outbounds\": [ { \"tag\": \"out\", \"protocol\": \"direct\" } ]";
    private const string In = "\"inbounds\": [ { \"tag\": \"in\", \"protocol\": \"mixed\", \"port\": 1080 } ]";

    [Theory]
    [InlineData("", "", "empty")]
    [InlineData("{ \"inbounds\": [ }", "", "no JSON from here")]
    [InlineData("[]", "$", "it is an object")]
    [InlineData("{ \"inbounds\": [], " + Out + " }", "$.inbounds", "where do connections come in?")]
    [InlineData("{ " + In + ", \"outbounds\": [] }", "$.outbounds", "where do connections go out?")]
    [InlineData("{ " + In + ", " + Out + ", \"inbound\": [] }", "$.inbound", "did you mean 'inbounds'?")]
    [InlineData("{ " + In + ", " + Out + ", " + Out + " }", "$.outbounds", "twice")]
    [InlineData("{ " + In + ", " + Out + ", \"policy\": {} }", "$.policy", "V2Ray's and not served here; instead: the fields of 'limits'")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"log\": { \"loglevel\": \"loud\" } }", "$.log.loglevel",
        "one of 'trace', 'debug', 'info', 'warning', 'error', 'critical', 'none'")]
    [InlineData("{ " + In + ", " + Out + ", \"limits\": { \"udpTimeout\": 0 } }", "$.limits.udpTimeout", "a whole number from 1 to 86400")]
    [InlineData("{ " + In + ", " + Out + ", \"limits\": 7 }", "$.limits", "7 is not right; it is an object")]
    [InlineData(
        "{ \"inbounds\": [ { \"port\": 1 } ], " + Out + " }", "$.inbounds[0]",
        "'protocol' is missing: it is one of 'socks', 'http', 'mixed', 'forward', 'mux'")]
    [InlineData("{ \"inbounds\": [ { \"protocol\": \"sock\", \"port\": 1 } ], " + Out + " }", "$.inbounds[0].protocol", "one of 'socks'")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"http\", \"port\": 70000 } ], " + Out + " }", "$.inbounds[0].port", "a port from 1 to 65535")]
    [InlineData("{ \"inbounds\": [ { \"protocol\": \"http\" } ], " + Out + " }", "$.inbounds[0]", "'port' is missing")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"http\", \"port\": 1, \"listen\": \"here\" } ], " + Out + " }", "$.inbounds[0].listen",
        "no IP address")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"mux\", \"port\": 1, \"listen\": \"0.0.0.0\" } ], " + Out + " }", "$.inbounds[0].listen",
        "\"allowAnonymous\": true")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"forward\", \"port\": 1 } ], " + Out + " }", "$.inbounds[0].settings", "'address' is missing")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"http\", \"port\": 1, \"settings\": { \"udp\": true } } ], " + Out + " }",
        "$.inbounds[0].settings.udp", "no field 'udp' here")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"socks\", \"port\": 1, \"settings\": { \"auth\": \"password\" } } ], " + Out + " }",
        "$.inbounds[0].settings.auth", "'accounts' is empty")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"socks\", \"port\": 1, \"settings\": { \"accounts\": [ { \"user\": \"a\" } ] } } ], "
            + Out + " }", "$.inbounds[0].settings.accounts[0]", "'pass' is missing")]
    [InlineData(
        "{ \"inbounds\": [ { \"tag\": \"a\", \"protocol\": \"http\", \"port\": 1 }, { \"tag\": \"a\", \"protocol\": \"http\", "
            + "\"port\": 2 } ], " + Out + " }", "$.inbounds[1].tag", "the tag 'a' already")]
    [InlineData(
        "{ \"inbounds\": [ { \"tag\": \"a\", \"protocol\": \"http\", \"port\": \"5-9\" }, { \"protocol\": \"http\", \"port\": 7, "
            + "\"listen\": \"0.0.0.0\" } ], " + Out + " }", "$.inbounds[1].port", "inbound 'a' listens there already")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"mux\", \"port\": 1, \"streamSettings\": { \"security\": \"tls\" } } ], " + Out + " }",
        "$.inbounds[0].streamSettings.tlsSettings", "needs 'certificates'")]
    [InlineData(
        "{ \"inbounds\": [ { \"protocol\": \"mux\", \"port\": 1, \"streamSettings\": { \"security\": \"tls\", "
            + "\"tlsSettings\": { \"certificates\": [ { \"certificateFile\": \"/nowhere/a.pem\" } ] } } } ], " + Out + " }",
        "$.inbounds[0].streamSettings.tlsSettings.certificates[0].certificateFile", "/nowhere/a.pem: there is no such file.")]
    [InlineData("{ " + In + ", \"outbounds\": [ { \"protocol\": \"mux\" } ] }", "$.outbounds[0].settings.servers", "where to?")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"protocol\": \"direct\", \"mux\": { \"enabled\": true } } ] }", "$.outbounds[0].mux",
        "needs a server that speaks it")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"protocol\": \"direct\", \"settings\": { \"redirect\": \"there\" } } ] }",
        "$.outbounds[0].settings.redirect", "'host:port'")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"protocol\": \"direct\", \"settings\": { \"redirect\": \":0\" } } ] }",
        "$.outbounds[0].settings.redirect", "'host:port'")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"protocol\": \"mux\", \"settings\": { \"servers\": [ { \"address\": \"a.example\", "
            + "\"port\": 1 } ] }, \"mux\": { \"enabled\": false } } ] }", "$.outbounds[0].mux.enabled", "leave 'enabled' out")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"protocol\": \"direct\", "
            + "\"streamSettings\": { \"tlsSettings\": { \"allowInsecure\": true } } } ] }",
        "$.outbounds[0].streamSettings.tlsSettings.allowInsecure", "'pins'")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"ip\": [ \"10.0.0.0/33\" ], \"outboundTag\": \"out\" } ] } }",
        "$.routing.rules[0].ip[0]", "10.0.0.0/8")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"ip\": [ \"127.0.1/24\" ], \"outboundTag\": \"out\" } ] } }",
        "$.routing.rules[0].ip[0]", "10.0.0.0/8")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"source\": [ \"10.1\" ], \"outboundTag\": \"out\" } ] } }",
        "$.routing.rules[0].source[0]", "192.0.2.1")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"domain\": [ \"regexp:(\" ], \"outboundTag\": \"out\" } ] } }",
        "$.routing.rules[0].domain[0]", "a regular expression")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"port\": 1, \"outboundTag\": \"oot\" } ] } }",
        "$.routing.rules[0].outboundTag", "did you mean 'out'?")]
    [InlineData("{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"port\": 1 } ] } }", "$.routing.rules[0]", "says nothing")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"rules\": [ { \"inboundTag\": [ \"no\" ], \"outboundTag\": \"out\" } ] } }",
        "$.routing.rules[0].inboundTag[0]", "no inbound 'no'")]
    [InlineData(
        "{ " + In + ", " + Out + ", \"routing\": { \"balancers\": [ { \"tag\": \"b\", \"selector\": [ \"x\" ] } ] } }",
        "$.routing.balancers[0].selector[0]", "no outbound's tag begins with 'x'")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"tag\": \"a\", \"protocol\": \"direct\", \"proxySettings\": { \"tag\": \"b\" } }, "
            + "{ \"tag\": \"b\", \"protocol\": \"direct\", \"proxySettings\": { \"tag\": \"a\" } } ] }", "$.outbounds[0].proxySettings",
        "outbound 'a' -> outbound 'b' -> outbound 'a'")]
    [InlineData(
        "{ " + In + ", \"outbounds\": [ { \"tag\": \"a\", \"protocol\": \"socks\", "
            + "\"settings\": { \"servers\": [ { \"address\": \"localhost\", \"port\": 1080 } ] } } ] }",
        "$.inbounds[0]", "inbound 'in' -> outbound 'a' -> inbound 'in'")]
    public void WhatIsWrong_IsSaidWhereItIs(string json, string path, string words)
    {
        ConfigurationResult result = Checked.ReadText("c.json", Encoding.UTF8.GetBytes(json));
        Assert.Null(result.Configuration);
        ConfigurationProblem problem = Assert.Single(result.Problems, static problem => !problem.IsWarning);
        Assert.Equal(path, problem.Path);
        Assert.Contains(words, problem.Message, StringComparison.Ordinal);
        Assert.StartsWith("c.json", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AllProblems_AreSaidAtOnce_WithTheirLines()
    {
        ConfigurationResult result = Checked.ReadText("c.json", """
            {
              // a comment, and a comma too many
              "inbounds": [ { "protocol": "http", "port": "x" } ],
              "outbounds": [
                { "protocol": "direct", "settings": { "alowPrivate": true } },
                { "protocol": "warp" },
              ],
              "log": { "format": "xml" }
            }
            """u8);
        Assert.Equal([3, 5, 6, 8], result.Problems.Select(static problem => problem.Line));
    }

    [Fact]
    public void DeepNesting_IsAProblem_NotACrash()
        => Assert.Contains("no JSON from here", Only(string.Concat(Enumerable.Repeat("{\"a\":", 5000))).Message, StringComparison.Ordinal);

    [Fact]
    public void BytesThatAreNoText_AreAProblem()
        => Assert.NotEmpty(Checked.ReadText(
            "c.json", [(byte)'{', (byte)'"', 0xff, 0xfe, (byte)'"', (byte)':', (byte)'"', 0xff, (byte)'"', (byte)'}']).Problems);

    [Fact]
    public void OpenProxy_IsAWarning()
    {
        ConfigurationResult result = Checked.ReadText(
            "c.json",
            Encoding.UTF8.GetBytes(
                "{ \"inbounds\": [ { \"protocol\": \"socks\", \"port\": 1080, \"listen\": \"0.0.0.0\" } ], " + Out + " }"));
        Assert.NotNull(result.Configuration);
        Assert.True(Assert.Single(result.Problems).IsWarning);
    }

    [Fact]
    public void InboundToItsOwnServer_ThatRulesSendElsewhere_IsNoLoop()
    {
        ConfigurationResult result = Checked.ReadText("c.json", """
            { "inbounds": [ { "tag": "in", "protocol": "socks", "port": 1080 }, { "tag": "server", "protocol": "mux", "port": 9527 } ],
              "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": 9527 } ] } },
                             { "tag": "out", "protocol": "direct" } ],
              "routing": { "rules": [ { "inboundTag": "server", "outboundTag": "out" } ] } }
            """u8);
        Assert.Empty(result.Problems);
    }

    [Fact]
    public void WhatV2RayWrites_IsRead()
    {
        ConfigurationResult result = Checked.ReadText("c.json", """
            { "log": { "loglevel": "warning", "access": "none" },
              "inbounds": [ { "tag": "s", "port": "1080", "listen": "127.0.0.1", "protocol": "socks",
                              "settings": { "auth": "password", "accounts": [ { "user": "ann", "pass": "x" } ], "udp": true, "ip": "127.0.0.1" } },
                            { "port": 5353, "protocol": "dokodemo-door", "settings": { "address": "192.0.2.53", "port": 53, "network": "tcp,udp" } } ],
              "outbounds": [ { "tag": "a", "protocol": "freedom", "settings": { "domainStrategy": "UseIPv4" } },
                             { "tag": "b", "protocol": "blackhole", "settings": { "response": { "type": "http" } } },
                             { "tag": "c", "protocol": "socks", "settings": { "servers": [ { "address": "192.0.2.1", "port": 1080, "users": [ { "user": "u", "pass": "p" } ] } ] },
                               "streamSettings": { "network": "ws", "security": "tls", "tlsSettings": { "serverName": "x.example", "alpn": [ "http/1.1" ] },
                                                   "wsSettings": { "path": "/p", "headers": { "Host": "x.example" } }, "sockopt": { "tcpKeepAliveIdle": 30 } },
                               "mux": { "enabled": true, "concurrency": 16 } } ],
              "routing": { "domainStrategy": "IPIfNonMatch",
                           "rules": [ { "type": "field", "domain": [ "domain:a.example", "plain", "regexp:^x" ], "port": "80,443,1000-2000", "network": "tcp", "outboundTag": "b" },
                                      { "type": "field", "ip": [ "geoip:private", "10.0.0.0/8" ], "user": [ "ann" ], "source": [ "127.0.0.1" ], "balancerTag": "x" } ],
                           "balancers": [ { "tag": "x", "selector": [ "a", "c" ], "strategy": { "type": "random" } } ] } }
            """u8);
        Assert.Empty(result.Problems);
        DaemonConfiguration configuration = result.Configuration!;
        Assert.Equal(16, configuration.Outbounds[2].Mux.Concurrency);
        Assert.Equal(new PortRange(1080, 1080), configuration.Inbounds[0].Port);
        Assert.Equal(Networks.Both, ((ForwardInboundSettings)configuration.Inbounds[1].Settings).Network);
        Assert.Equal(
            [DomainPatternKind.Domain, DomainPatternKind.Keyword, DomainPatternKind.Regex],
            configuration.Routing.Rules[0].Domain.Select(static domain => domain.Kind));
        Assert.Equal(3, configuration.Routing.Rules[0].Port!.Ranges.Count);
    }

    [Fact]
    public void SeveralFiles_AddUp_AndReplaceByTag()
    {
        string directory = Directory.CreateTempSubdirectory("muxpro-config-").FullName;
        try
        {
            File.WriteAllText(
                Path.Combine(directory, "1.json"), "{ " + In + ", " + Out + ", \"limits\": { \"udpTimeout\": 5, \"connectTimeout\": 6 } }");
            File.WriteAllText(
                Path.Combine(directory, "2.jsonc"),
                "{ \"outbounds\": [ { \"tag\": \"out\", \"protocol\": \"block\" }, { \"tag\": \"more\", \"protocol\": \"direct\" } ], "
                    + "\"limits\": { \"udpTimeout\": 7 } }");
            File.WriteAllText(Path.Combine(directory, "notes.txt"), "no configuration");
            ConfigurationResult result = Checked.Read(ConfigurationReader.FilesOf(directory));
            Assert.Empty(result.Problems);
            Assert.IsType<BlockOutboundSettings>(result.Configuration!.Outbounds[0].Settings);
            Assert.Equal(["out", "more"], result.Configuration.Outbounds.Select(static outbound => outbound.Tag));
            Assert.Equal((7, 6), (result.Configuration.Limits.UdpTimeout, result.Configuration.Limits.ConnectTimeout));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static ConfigurationProblem Only(string json)
        => Assert.Single(Checked.ReadText("c.json", Encoding.UTF8.GetBytes(json)).Problems);
}
