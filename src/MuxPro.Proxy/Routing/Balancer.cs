using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Routing;

/// <summary>What a balancer chooses among.</summary>
internal interface IBalancerMember
{
    string Tag { get; }

    /// <summary>Whether it works, as far as is known.</summary>
    bool IsHealthy { get; }

    /// <summary>How many connections go through it.</summary>
    int OpenConnections { get; }
}

/// <summary>Spreads connections over members that work. Safe to use from many threads.</summary>
internal sealed class Balancer<T>
    where T : class, IBalancerMember
{
    private readonly BalancerStrategy _strategy;
    private readonly T[] _members;
    private readonly T? _fallback;
    private readonly Random _random;
    private int _turn = -1;

    /// <param name="configuration">How to choose.</param>
    /// <param name="outbounds">Those that may be selected.</param>
    /// <param name="random">The source of chance; the default is the process's.</param>
    public Balancer(BalancerConfiguration configuration, IReadOnlyList<T> outbounds, Random? random = null)
    {
        _strategy = configuration.Strategy.Type;
        _members = [.. outbounds.Where(outbound => configuration.Selects(outbound.Tag))];
        _fallback = outbounds.FirstOrDefault(outbound => outbound.Tag == configuration.FallbackTag);
        _random = random ?? Random.Shared;
    }

    public IReadOnlyList<T> Members => _members;

    /// <summary>
    /// The members in the order in which they are to be tried: those that work as the strategy says, then the fallback, then those that
    /// did not work lately. A connection goes to the first one that takes it.
    /// </summary>
    public IReadOnlyList<T> Order()
    {
        var order = new List<T>(_members.Length + 1);
        order.AddRange(_members.Where(static member => member.IsHealthy));
        Arrange(order);
        if (_fallback is not null && !order.Contains(_fallback))
        {
            order.Add(_fallback);
        }

        foreach (T member in _members)
        {
            if (!order.Contains(member))
            {
                order.Add(member);
            }
        }

        return order;
    }

    private void Arrange(List<T> healthy)
    {
        if (healthy.Count < 2)
        {
            return;
        }

        // Where several are equal, they take turns.
        int first = _strategy == BalancerStrategy.Random
            ? _random.Next(healthy.Count)
            : (int)((uint)Interlocked.Increment(ref _turn) % (uint)healthy.Count);
        healthy.Reverse(0, first);
        healthy.Reverse(first, healthy.Count - first);
        healthy.Reverse();
        if (_strategy == BalancerStrategy.LeastLoad)
        {
            int least = 0;
            for (int i = 1; i < healthy.Count; i++)
            {
                least = healthy[i].OpenConnections < healthy[least].OpenConnections ? i : least;
            }

            (healthy[0], healthy[least]) = (healthy[least], healthy[0]);
        }
    }
}
