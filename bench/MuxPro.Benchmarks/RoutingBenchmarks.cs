using System.Globalization;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Routing;

namespace MuxPro.Benchmarks;

/// <summary>What choosing a way costs a connection, by how many rules there are: nine of ten by name, the others by network.</summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private readonly Destination _miss = Destination.Tcp("www.elsewhere.test", 443);
    private Router _router = null!;
    private CompiledRule[] _rules = [];
    private Destination _last = null!;

    [Params(10, 1_000, 10_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        RoutingConfiguration configuration = Make(Rules);
        _router = new Router(configuration, TimeProvider.System, NullLogger.Instance);
        _rules = [.. configuration.Rules.Select(static (rule, index) => new CompiledRule(rule, index, static _ => { }))];
        _last = Destination.Tcp(string.Create(CultureInfo.InvariantCulture, $"www.d{Rules - 1}.example"), 443);
    }

    [Benchmark]
    public int Last() => Route(_last);

    [Benchmark]
    public int None() => Route(_miss);

    /// <summary>The same, rule by rule.</summary>
    [Benchmark]
    public int NoneByWalk()
    {
        var request = new RouteRequest(_miss, "in", null, null);
        foreach (CompiledRule rule in _rules)
        {
            if (rule.Matches(request, _miss.Domain, []))
            {
                return rule.Route.Rule;
            }
        }

        return -1;
    }

    [Benchmark]
    public object Build() => new Router(Make(Rules), TimeProvider.System, NullLogger.Instance);

    private static RoutingConfiguration Make(int count) => new()
    {
        Rules =
        [
            .. Enumerable.Range(0, count).Select(static i => i % 10 == 5
                ? new RuleConfiguration { Ip = [AddressPattern.Parse($"10.{i / 256}.{i % 256}.0/24")], OutboundTag = "a" }
                : new RuleConfiguration { Domain = [DomainPattern.Parse($"domain:d{i}.example")], OutboundTag = "b" }),
        ],
    };

    private int Route(Destination target)
    {
        ValueTask<Route> route = _router.RouteAsync(new RouteRequest(target, "in", null, null), CancellationToken.None);
        return route.IsCompletedSuccessfully ? route.Result.Rule : throw new InvalidOperationException("Nothing is looked up here.");
    }
}
