using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// What the daemon listens on. A configuration that replaces another keeps the sockets of the addresses that both have; those that go
/// take nothing new, and what came in there goes on. Not safe to use from many threads.
/// </summary>
internal sealed class Listeners(SocketBudget sockets, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly Dictionary<EndPoint, SocketListener> _streams = [];
    private readonly Dictionary<EndPoint, ForwardDatagrams> _datagrams = [];
    private readonly List<SocketListener> _leaving = [];

    /// <summary>Where it listens for streams.</summary>
    public IReadOnlyList<EndPoint> EndPoints => [.. _streams.Values.Select(static listener => listener.Local)];

    /// <summary>How many connections are being served, those of addresses that are not listened on any more included.</summary>
    public int OpenConnections => _streams.Values.Concat(_leaving).Sum(static listener => listener.OpenConnections);

    /// <summary>Listens on what is new; nothing changes yet.</summary>
    /// <exception cref="ListenException">An address is in use, or is none of this machine; nothing new is listened on.</exception>
    public Change Prepare(IReadOnlyList<Inbound> inbounds, int maxConnections)
    {
        var change = new Change(inbounds, maxConnections);
        foreach (Inbound inbound in inbounds)
        {
            foreach (EndPoint endPoint in inbound.EndPoints)
            {
                try
                {
                    Open(change, inbound, endPoint);
                }
                catch (SocketException exception)
                {
                    change.Undo();
                    throw new ListenException(inbound.Configuration, endPoint, exception);
                }
            }
        }

        return change;
    }

    /// <summary>Lets what was prepared count.</summary>
    public async Task CommitAsync(Change change)
    {
        var streams = new HashSet<EndPoint>();
        var datagrams = new HashSet<EndPoint>();
        foreach (Inbound inbound in change.Inbounds)
        {
            foreach (EndPoint endPoint in inbound.EndPoints)
            {
                if (inbound.TakesStreams)
                {
                    streams.Add(endPoint);
                    if (change.Streams.Remove(endPoint, out SocketListener? opened))
                    {
                        _streams.Add(endPoint, opened);
                    }

                    _streams[endPoint].Serve(inbound.ServeAsync, change.MaxConnections);
                }

                if (inbound.Datagrams is { } target)
                {
                    datagrams.Add(endPoint);
                    if (change.Datagrams.Remove(endPoint, out ForwardDatagrams? opened))
                    {
                        _datagrams.Add(endPoint, opened);
                    }

                    _datagrams[endPoint].Serve(target);
                }
            }
        }

        foreach (EndPoint gone in _streams.Keys.Except(streams).ToArray())
        {
            _streams.Remove(gone, out SocketListener? listener);
            await listener!.StopAcceptingAsync();
            _leaving.Add(listener);
            logger.NotListening(gone, listener.OpenConnections);
        }

        foreach (EndPoint gone in _datagrams.Keys.Except(datagrams).ToArray())
        {
            _datagrams.Remove(gone, out ForwardDatagrams? listener);
            await listener!.DisposeAsync();
            logger.NotListening(gone, 0);
        }

        _leaving.RemoveAll(static listener => listener.OpenConnections == 0);
    }

    /// <summary>Takes nothing new any more.</summary>
    public async Task StopAcceptingAsync()
    {
        foreach (SocketListener listener in _streams.Values)
        {
            await listener.StopAcceptingAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_streams.Values.Concat(_leaving).Select(static listener => listener.DisposeAsync().AsTask()));
        await Task.WhenAll(_datagrams.Values.Select(static listener => listener.DisposeAsync().AsTask()));
    }

    private void Open(Change change, Inbound inbound, EndPoint endPoint)
    {
        if (inbound.TakesStreams && !_streams.ContainsKey(endPoint))
        {
            change.Streams.Add(endPoint, SocketListener.Start(endPoint, change.MaxConnections, inbound.ServeAsync, sockets, logger, time));
        }

        if (inbound.Datagrams is { } target && !_datagrams.ContainsKey(endPoint))
        {
            change.Datagrams.Add(endPoint, ForwardDatagrams.Start((IPEndPoint)endPoint, target, logger));
        }
    }

    /// <summary>What is listened on beside what was.</summary>
    internal sealed class Change(IReadOnlyList<Inbound> inbounds, int maxConnections)
    {
        public IReadOnlyList<Inbound> Inbounds { get; } = inbounds;

        public int MaxConnections { get; } = maxConnections;

        public Dictionary<EndPoint, SocketListener> Streams { get; } = [];

        public Dictionary<EndPoint, ForwardDatagrams> Datagrams { get; } = [];

        /// <summary>Lets go of it.</summary>
        public void Undo()
        {
            foreach (SocketListener listener in Streams.Values)
            {
                _ = listener.DisposeAsync().AsTask();
            }

            foreach (ForwardDatagrams listener in Datagrams.Values)
            {
                _ = listener.DisposeAsync().AsTask();
            }
        }
    }
}

/// <summary>An inbound's address cannot be listened on.</summary>
internal sealed class ListenException(InboundConfiguration inbound, EndPoint endPoint, SocketException exception)
    : IOException($"cannot listen on {endPoint}: {Reason(exception)}.", exception)
{
    public InboundConfiguration Inbound { get; } = inbound;

    private static string Reason(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "the address is in use, by another program or by an inbound that runs already",
        SocketError.AddressNotAvailable => "this machine has no such address",
        SocketError.AccessDenied => "this user may not; ports below 1024 need CAP_NET_BIND_SERVICE",
        _ => exception.Message,
    };
}
