using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Tests.Routing;

public sealed class RouterTests
{
    private static readonly string[] Names =
        ["a.example", "b.example", "www.a.example", "example", "x.test", "deep.www.a.example", "A.EXAMPLE", "b.example."];
    private static readonly string[] Hosts = ["10.0.0.1", "10.1.2.3", "192.0.2.7", "8.8.8.8", "2001:db8::1", "::1", "::ffff:10.0.0.1"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The index and a walk through all rules agree, whatever the rules are.</summary>
    [Fact]
    public async Task Route_IsThatOfTheFirstRuleThatMatches()
    {
        var random = new Random(20_26);
        int matched = 0;
        for (int round = 0; round < 400; round++)
        {
            RuleConfiguration[] rules = [.. Enumerable.Range(0, random.Next(1, 30)).Select(i => RandomRule(random, i))];
            Router router = Create(new RoutingConfiguration { Rules = rules });
            for (int i = 0; i < 40; i++)
            {
                RouteRequest request = RandomRequest(random);
                int expected = Array.FindIndex(rules, rule => Matches(rule, request));
                Route route = await router.RouteAsync(request, Cancel);
                Assert.True(
                    expected == route.Rule,
                    $"{request} takes rule {route.Rule}, not {expected}:\n{string.Join('\n', rules.Select(Describe))}");
                matched += expected >= 0 ? 1 : 0;
            }
        }

        Assert.InRange(matched, 1_000, 15_999);
    }

    [Fact]
    public async Task ManyRules_TheFirstOneWins()
    {
        RuleConfiguration[] rules =
        [
            .. Enumerable.Range(0, 9_000).Select(static i => Rule(domain: [$"domain:d{i}.example"], tag: $"{i}")),
            .. Enumerable.Range(0, 900).Select(static i => Rule(ip: [$"10.{i / 256}.{i % 256}.0/24"], tag: $"ip{i}")),
            Rule(domain: ["keyword:d5"], tag: "keyword"),
        ];
        Router router = Create(new RoutingConfiguration { Rules = rules });
        Assert.Equal("5000", (await router.RouteAsync(To("www.d5000.example"), Cancel)).OutboundTag);
        Assert.Equal("ip300", (await router.RouteAsync(To("10.1.44.9"), Cancel)).OutboundTag);
        Assert.Equal("keyword", (await router.RouteAsync(To("d5x.test"), Cancel)).OutboundTag);
        Assert.Equal(Route.Default, await router.RouteAsync(To("elsewhere.test"), Cancel));
    }

    [Theory]
    [InlineData(RoutingDomainStrategy.AsIs, "second", 0)]
    [InlineData(RoutingDomainStrategy.IPIfNonMatch, "second", 0)]
    [InlineData(RoutingDomainStrategy.IPOnDemand, "first", 1)]
    public async Task Names_AreLookedUp_WhereTheStrategySaysSo(object strategy, string expected, int lookups)
    {
        int asked = 0;
        RuleConfiguration[] rules = [Rule(ip: ["10.0.0.0/8"], tag: "first"), Rule(domain: ["full:in.example"], tag: "second")];
        var router = new Router(
            new RoutingConfiguration { DomainStrategy = (RoutingDomainStrategy)strategy, Rules = rules }, new FakeTimeProvider(),
            NullLogger.Instance,
            (_, _) =>
            {
                asked++;
                return Task.FromResult(new[] { IPAddress.Parse("10.0.0.9") });
            });
        Assert.Equal(expected, (await router.RouteAsync(To("in.example"), Cancel)).OutboundTag);
        Assert.Equal(lookups, asked);
    }

    [Fact]
    public async Task NameThatIsNotFound_MatchesNoAddress()
    {
        var router = new Router(
            new RoutingConfiguration { DomainStrategy = RoutingDomainStrategy.IPIfNonMatch, Rules = [Rule(ip: ["0.0.0.0/0"], tag: "any")] },
            new FakeTimeProvider(), NullLogger.Instance,
            (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));
        Assert.Equal(Route.Default, await router.RouteAsync(To("nowhere.example"), Cancel));
    }

    [Fact]
    public async Task RegexThatTakesTooLong_DoesNotMatch()
    {
        Router router = Create(new RoutingConfiguration { Rules = [Rule(domain: [@"regexp:^(a+)+$"], tag: "slow"), Rule(tag: "rest")] });
        Assert.Equal("rest", (await router.RouteAsync(To(new string('a', 60) + ".b"), Cancel)).OutboundTag);
    }

    [Fact]
    public async Task RuleWithPriorityAlone_TakesTheFirstOutbound()
    {
        Router router = Create(
            new RoutingConfiguration { Rules = [new RuleConfiguration { Port = PortRanges.Parse("22"), Priority = 0 }] });
        Assert.Equal(new Route(null, null, 0, 0), await router.RouteAsync(
            new RouteRequest(Destination.Tcp("a.example", 22), "", null, null), Cancel));
    }

    [Theory]
    [InlineData(BalancerStrategy.RoundRobin)]
    [InlineData(BalancerStrategy.Random)]
    [InlineData(BalancerStrategy.LeastLoad)]
    public void Balancer_UsesAllThatWork_AndTheOthersLast(object strategy)
    {
        Member[] members = [new("a1"), new("a2"), new("a3") { IsHealthy = false }, new("b")];
        var balancer = new Balancer<Member>(
            new BalancerConfiguration
            {
                Tag = "x",
                Selector = ["a"],
                FallbackTag = "b",
                Strategy = new BalancerStrategyConfiguration { Type = (BalancerStrategy)strategy },
            },
            members, new Random(1));
        for (int i = 0; i < 200; i++)
        {
            IReadOnlyList<Member> order = balancer.Order();
            Assert.Equal(4, order.Count);
            Assert.Equal(["b", "a3"], order.Skip(2).Select(static member => member.Tag));
            order[0].OpenConnections++;
        }

        Assert.InRange(members[0].OpenConnections, 60, 140);
        Assert.Equal(200, members[0].OpenConnections + members[1].OpenConnections);
    }

    [Fact]
    public void Balancer_LeastLoad_TakesTheOneWithTheFewest()
    {
        Member[] members = [new("a1") { OpenConnections = 5 }, new("a2") { OpenConnections = 1 }, new("a3") { OpenConnections = 3 }];
        var balancer = new Balancer<Member>(
            new BalancerConfiguration
            {
                Tag = "x",
                Selector = ["a"],
                Strategy = new BalancerStrategyConfiguration { Type = BalancerStrategy.LeastLoad },
            },
            members);
        Assert.All(Enumerable.Range(0, 9), _ => Assert.Equal("a2", balancer.Order()[0].Tag));
    }

    [Fact]
    public void Health_AfterAFailure_OneAttemptFindsOut()
    {
        var time = new FakeTimeProvider();
        var health = new Health(time);
        Assert.True(health.IsHealthy);
        health.ReportFailure(health.Begin());
        Assert.False(health.IsHealthy);
        time.Advance(TimeSpan.FromSeconds(1.3));
        Assert.True(health.IsHealthy);
        int probe = health.Begin();
        Assert.False(health.IsHealthy);

        // One that never ends does not block the others for ever.
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(health.IsHealthy);
        health.ReportFailure(probe);
        time.Advance(TimeSpan.FromSeconds(1.3));
        Assert.False(health.IsHealthy);
        time.Advance(TimeSpan.FromSeconds(1.3));
        health.Begin();
        health.ReportSuccess();
        Assert.True(health.IsHealthy);
    }

    private static Router Create(RoutingConfiguration configuration) => new(configuration, TimeProvider.System, NullLogger.Instance);

    private static RouteRequest To(string host) => new(Destination.Tcp(host, 80), "in", null, new IPEndPoint(IPAddress.Loopback, 1234));

    private static RuleConfiguration Rule(string[]? domain = null, string[]? ip = null, string tag = "out") => new()
    {
        Domain = [.. (domain ?? []).Select(DomainPattern.Parse)],
        Ip = [.. (ip ?? []).Select(AddressPattern.Parse)],
        OutboundTag = tag,
    };

    private static RuleConfiguration RandomRule(Random random, int index)
    {
        string[] domains =
            ["full:a.example", "domain:a.example", "domain:example", "keyword:www", "regexp:^x", "full:b.example", "domain:test"];
        string[] networks = ["10.0.0.0/8", "10.1.0.0/16", "private", "192.0.2.7", "2001:db8::/32", "0.0.0.0/0", "::/0", "::1"];
        return new RuleConfiguration
        {
            Domain = random.Next(3) > 0 ? [] : [.. random.GetItems(domains, random.Next(1, 3)).Select(DomainPattern.Parse)],
            Ip = random.Next(3) > 0 ? [] : [.. random.GetItems(networks, random.Next(1, 3)).Select(AddressPattern.Parse)],
            Port = random.Next(4) > 0 ? null : PortRanges.Parse(random.GetItems(["80", "443", "1-100", "80,443,8000-8999"], 1)[0]),
            Network = random.Next(4) > 0 ? null : Networks.Parse(random.GetItems(["tcp", "udp", "tcp,udp"], 1)[0]),
            Source = random.Next(6) > 0 ? [] : [AddressPattern.Parse("127.0.0.0/8")],
            InboundTag = random.Next(5) > 0 ? [] : ["in"],
            User = random.Next(6) > 0 ? [] : ["ann"],
            OutboundTag = $"{index}",
        };
    }

    private static RouteRequest RandomRequest(Random random)
    {
        string host = random.GetItems(random.Next(2) == 0 ? Names : Hosts, 1)[0];
        int port = random.GetItems([80, 443, 8080, 9999], 1)[0];
        return new RouteRequest(
            random.Next(3) == 0 ? Destination.Udp(host, port) : Destination.Tcp(host, port),
            random.GetItems(["in", "other"], 1)[0],
            random.GetItems(["ann", "bob", null], 1)[0],
            random.GetItems([new IPEndPoint(IPAddress.Loopback, 5), new IPEndPoint(IPAddress.Parse("192.0.2.1"), 5), null], 1)[0]);
    }

    /// <summary>What the rules mean, in the plainest way.</summary>
    private static bool Matches(RuleConfiguration rule, RouteRequest request)
    {
        string? name = request.Target.Domain?.ToLowerInvariant().TrimEnd('.');
        return (rule.Network is null || rule.Network.Value.Has(request.Target.Network))
            && (rule.Port is null || rule.Port.Ranges.Any(range => range.Contains(request.Target.Port)))
            && (rule.InboundTag.Count == 0 || rule.InboundTag.Contains(request.InboundTag))
            && (rule.User.Count == 0 || rule.User.Contains(request.User))
            && (rule.Source.Count == 0 || (request.Source is not null
                && rule.Source.Any(pattern => Contains(pattern, request.Source.Address))))
            && (rule.Domain.Count == 0 || (name is not null && rule.Domain.Any(pattern => pattern.Kind switch
            {
                DomainPatternKind.Full => name == pattern.Text,
                DomainPatternKind.Domain => name == pattern.Text || name.EndsWith("." + pattern.Text, StringComparison.Ordinal),
                DomainPatternKind.Keyword => name.Contains(pattern.Text, StringComparison.Ordinal),
                _ => pattern.Regex!.IsMatch(name),
            })))
            && (rule.Ip.Count == 0 || (request.Target.Address is not null
                && rule.Ip.Any(pattern => Contains(pattern, request.Target.Address))));
    }

    private static bool Contains(AddressPattern pattern, IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return pattern.Network?.Contains(address)
            ?? (IPAddress.IsLoopback(address) || address.ToString().StartsWith("10.", StringComparison.Ordinal)
            || address.ToString() is "192.0.2.7" or "2001:db8::1" or "192.0.2.1");
    }

    private static string Describe(RuleConfiguration rule)
        => $"{string.Join(',', rule.Domain)} | {string.Join(',', rule.Ip)} | {rule.Port} | {rule.Network} | "
            + $"{string.Join(',', rule.InboundTag)} | {string.Join(',', rule.User)}";

    private sealed class Member(string tag) : IBalancerMember
    {
        public string Tag => tag;

        public bool IsHealthy { get; init; } = true;

        public int OpenConnections { get; set; }
    }
}
