using System.Net;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Routing;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Dispatch;

/// <summary>
/// Reaches destinations for one who asks, by the rules that count at that moment: a configuration that was replaced decides nothing any
/// more. Every line of the access log is written from here. Safe to use from many threads.
/// </summary>
internal sealed class RoutedDispatcher(ISnapshots snapshots, SessionSource source)
{
    /// <summary>The rules that count now: another object when they may choose otherwise.</summary>
    public Snapshot Rules => snapshots.Current;

    /// <summary>Reaches a TCP destination.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last; a rule may say otherwise.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <exception cref="SessionException">The destination was not reached.</exception>
    /// <exception cref="IOException">No outbound of those that the rules say works.</exception>
    public async ValueTask<Dispatched> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        long started = snapshots.TimeProvider.GetTimestamp();
        var attempt = new Attempt();
        try
        {
            Link link = await ReachAsync(
                destination,
                static (outbound, route, asked, cancellationToken)
                    => outbound.DispatchAsync(asked.destination, route.Priority ?? asked.priority, cancellationToken),
                (destination, priority), attempt, cancellationToken);
            return new Dispatched(link, attempt.Outbound!, destination, attempt.Priority ?? priority, started, this);
        }
        catch (Exception exception)
        {
            Report(destination, attempt.Outbound, 0, 0, attempt.Priority ?? priority, started, TargetFailure.NameOf(exception));
            throw;
        }
    }

    /// <summary>Opens a flow of datagrams, which go by the rules one by one. It ends with the last way that it has.</summary>
    /// <returns>The flow, once the way of its first destination is open.</returns>
    /// <inheritdoc cref="DispatchAsync"/>
    public async ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        var link = new RoutedDatagramLink(this, snapshots, first, options, onFailed: null);
        try
        {
            await link.OpenFirstAsync(cancellationToken);
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same, at once: its ways open as datagrams go there, and it outlives those that fail.</summary>
    /// <param name="first">Its first destination.</param>
    /// <param name="options">What its ways are opened with.</param>
    /// <param name="onFailed">Told which destination was not reached and why.</param>
    public DatagramLink OpenFlow(Destination first, DatagramOptions options, Action<Destination, Exception> onFailed)
        => new RoutedDatagramLink(this, snapshots, first, options, onFailed);

    /// <summary>Writes the line of a sub-connection that has ended, or was not made.</summary>
    internal void Report(Destination destination, Outbound? outbound, long up, long down, byte priority, long started, string end)
        => snapshots.AccessLog.Write(source, destination, outbound?.Tag, up, down, priority, MillisecondsSince(started), end);

    /// <summary>Writes the line of a way of a flow that has ended.</summary>
    internal void Report(Destination destination, Outbound outbound, DatagramCounts counts, byte priority, long started, string end)
        => snapshots.AccessLog.WriteDatagrams(source, destination, outbound.Tag, counts, priority, MillisecondsSince(started), end);

    /// <summary>The route that a destination takes now, without its balancer's turn.</summary>
    internal ValueTask<Route> RouteAsync(Snapshot snapshot, Destination destination, CancellationToken cancellationToken)
        => snapshot.Router.RouteAsync(
            new RouteRequest(destination, source.InboundTag, source.User, source.EndPoint as IPEndPoint), cancellationToken);

    /// <summary>
    /// Reaches a destination through the outbound that the rules say, or the next one of a balancer where that one does not work.
    /// </summary>
    /// <returns>What was reached. <paramref name="attempt"/> has the outbound, which the caller leaves in the end.</returns>
    internal async ValueTask<T> ReachAsync<T, TState>(
        Destination destination, Func<Outbound, Route, TState, CancellationToken, ValueTask<T>> reach, TState state, Attempt attempt,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            Snapshot snapshot = snapshots.Current;
            Route route = await RouteAsync(snapshot, destination, cancellationToken);
            attempt.Priority = route.Priority;
            Exception? failure = null;
            foreach (Outbound outbound in snapshot.OutboundsFor(route))
            {
                if (!outbound.TryEnter())
                {
                    // Retired since the rules were read.
                    continue;
                }

                bool isReached = false;
                int number = outbound.Health.Begin();
                attempt.Outbound = outbound;
                try
                {
                    T result = await reach(outbound, route, state, cancellationToken);
                    outbound.Health.ReportSuccess();
                    isReached = true;
                    return result;
                }
                catch (SessionException)
                {
                    // The target's fault, not the outbound's.
                    outbound.Health.ReportSuccess();
                    throw;
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
                {
                    outbound.Health.ReportFailure(number);
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

    private long MillisecondsSince(long started) => (long)snapshots.TimeProvider.GetElapsedTime(started).TotalMilliseconds;
}

/// <summary>What was tried to reach a destination.</summary>
internal sealed class Attempt
{
    /// <summary>The outbound that was tried last.</summary>
    public Outbound? Outbound { get; set; }

    /// <summary>The priority that the rule says, where it says one.</summary>
    public byte? Priority { get; set; }
}
