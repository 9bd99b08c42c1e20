using System.Net;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Outbounds;

/// <summary>
/// Reaches destinations for one who asks, by the rules that count at that moment: a configuration that was replaced decides nothing any more. Safe to use
/// from many threads.
/// </summary>
internal sealed class RoutedDispatcher(ISnapshots snapshots, SessionSource source) : IDispatcher, IRoutes
{
    private readonly Lock _gate = new();

    // Guarded by _gate. By the object: the same destination may be asked for many times.
    private readonly Dictionary<Destination, (Outbound Outbound, bool IsEntered)> _streams = new(1, ReferenceEqualityComparer.Instance);

    public SessionSource Source => source;

    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchAsync(destination, Session.DefaultPriority, cancellationToken);

    public async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        (Link link, Outbound outbound) = await ReachAsync(
            destination,
            static (outbound, route, asked, cancellationToken) => outbound.DispatchAsync(asked.destination, route.Priority ?? asked.priority, cancellationToken),
            (destination, priority), cancellationToken);
        Remember(destination, outbound, isEntered: true);
        return link;
    }

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => DispatchDatagramsAsync(destination, new DatagramOptions(), cancellationToken);

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => RoutedDatagramLink.OpenAsync(this, snapshots, destination, options, cancellationToken);

    public string? End(Destination destination)
    {
        (Outbound Outbound, bool IsEntered) stream;
        lock (_gate)
        {
            if (!_streams.Remove(destination, out stream))
            {
                return null;
            }
        }

        if (stream.IsEntered)
        {
            stream.Outbound.Leave();
        }

        return stream.Outbound.Tag;
    }

    /// <summary>The outbound that a destination takes now, without its balancer's turn.</summary>
    internal ValueTask<Route> RouteAsync(Snapshot snapshot, Destination destination, CancellationToken cancellationToken)
        => snapshot.Router.RouteAsync(
            new RouteRequest(destination, source.InboundTag, source.User, source.EndPoint as IPEndPoint), cancellationToken);

    /// <summary>Reaches a destination through the outbound that the rules say, or the next one of a balancer where that one does not work.</summary>
    /// <returns>What was reached, and the outbound, which the caller leaves in the end.</returns>
    internal async ValueTask<(T Result, Outbound Outbound)> ReachAsync<T, TState>(
        Destination destination, Func<Outbound, Route, TState, CancellationToken, ValueTask<T>> reach, TState state, CancellationToken cancellationToken)
    {
        while (true)
        {
            Snapshot snapshot = snapshots.Current;
            Route route = await RouteAsync(snapshot, destination, cancellationToken);
            IReadOnlyList<Outbound> attempts = snapshot.OutboundsFor(route);
            Exception? failure = null;
            for (int i = 0; i < attempts.Count; i++)
            {
                Outbound outbound = attempts[i];
                if (!outbound.TryEnter())
                {
                    // Retired since the rules were read.
                    continue;
                }

                bool isReached = false;
                int attempt = outbound.Health.Begin();
                try
                {
                    T result = await reach(outbound, route, state, cancellationToken);
                    outbound.Health.ReportSuccess();
                    isReached = true;
                    return (result, outbound);
                }
                catch (SessionException)
                {
                    // The target's fault, not the outbound's.
                    outbound.Health.ReportSuccess();
                    Remember(destination, outbound, isEntered: false);
                    throw;
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    outbound.Health.ReportFailure(attempt);
                    Remember(destination, outbound, isEntered: false);
                    failure = exception;
                }
                finally
                {
                    if (!isReached)
                    {
                        outbound.Leave();
                    }
                }
            }

            if (failure is not null)
            {
                throw failure;
            }
        }
    }

    private void Remember(Destination destination, Outbound outbound, bool isEntered)
    {
        // Nobody ends flows of datagrams here: they know their outbounds.
        if (destination.Network == Network.Tcp)
        {
            lock (_gate)
            {
                _streams[destination] = (outbound, isEntered);
            }
        }
    }
}
