using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Routing;

/// <summary>
/// Which way a connection takes: the first rule that matches says it. Rules by name match targets that are names, and rules by address
/// those that are addresses, or whose name is looked up (<see cref="RoutingConfiguration.DomainStrategy"/>). Immutable; safe to use from
/// many threads.
/// </summary>
internal sealed class Router
{
    private static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan MessageInterval = TimeSpan.FromMinutes(1);

    private readonly RuleIndex _rules;
    private readonly RoutingDomainStrategy _strategy;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RareMessage _timeouts;

    public Router(
        RoutingConfiguration configuration, TimeProvider time, ILogger logger,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        _timeouts = new RareMessage(time, MessageInterval);
        _rules = new RuleIndex(configuration.Rules, OnRegexTimeout);
        _strategy = configuration.DomainStrategy;
        _resolve = resolve ?? NameResolver.ResolveAsync;
        _time = time;
        _logger = logger;
    }

    /// <summary>Finds the way. It waits only where a name has to be looked up for a rule.</summary>
    public ValueTask<Route> RouteAsync(in RouteRequest request, CancellationToken cancellationToken)
    {
        ReadOnlySpan<char> name = NameOf(request.Target);
        ReadOnlySpan<IPAddress> addresses = request.Target.Address is { } address ? [address] : default;
        int found = _rules.Find(request, name, addresses);
        bool isLookedUp = request.Target.Domain is not null && _strategy switch
        {
            RoutingDomainStrategy.IPOnDemand => _rules.FirstByAddress < found,
            RoutingDomainStrategy.IPIfNonMatch => found == RuleIndex.None && _rules.FirstByAddress != RuleIndex.None,
            _ => false,
        };
        return isLookedUp ? FindByAddressAsync(request, found, cancellationToken) : ValueTask.FromResult(RouteOf(found));
    }

    private async ValueTask<Route> FindByAddressAsync(RouteRequest request, int found, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        using var timeout = new CancellationTokenSource(LookupTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            addresses = await _resolve(request.Target.Domain!, either.Token);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException or OperationCanceledException)
        {
            // A name that is not found has no address to match; whoever connects to it says so.
            cancellationToken.ThrowIfCancellationRequested();
            _logger.NameNotLookedUp(request.Target, exception.Message);
            return RouteOf(found);
        }

        return RouteOf(_rules.Find(request, NameOf(request.Target), addresses));
    }

    private Route RouteOf(int rule) => rule == RuleIndex.None ? Route.Default : _rules[rule].Route;

    private static ReadOnlySpan<char> NameOf(Destination target) => target.Domain.AsSpan().TrimEnd('.');

    private void OnRegexTimeout(Regex regex)
    {
        if (_timeouts.TryPass(out int held))
        {
            _logger.RegexTimedOut(regex.ToString(), held);
        }
    }
}
