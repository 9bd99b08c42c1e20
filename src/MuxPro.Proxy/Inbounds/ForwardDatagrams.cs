using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// Every datagram goes to one target, a flow for each socket that sends; answers go back where the flow came from. Flows end when they
/// idle.
/// </summary>
internal sealed class ForwardDatagrams : IAsyncDisposable
{
    // Most sockets that are served at once: an address is cheap to forge.
    private const int MaxFlows = 4096;
    private const int KernelBuffer = 1024 * 1024;
    private static readonly TimeSpan MessageInterval = TimeSpan.FromMinutes(1);

    private readonly Socket _socket;
    private readonly ILogger _logger;
    private readonly RareMessage _refusals;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<SocketAddress, DatagramLink> _flows = new();
    private readonly Task _receiving;
    private volatile ForwardTarget _target;

    private ForwardDatagrams(Socket socket, ForwardTarget target, ILogger logger)
    {
        _socket = socket;
        _target = target;
        _logger = logger;
        _refusals = new RareMessage(target.Options.TimeProvider, MessageInterval);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _receiving = Task.Run(ReceiveAsync);
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>How many sockets are served.</summary>
    public int OpenFlows => _flows.Count;

    /// <summary>Has sockets that send from now on served otherwise.</summary>
    public void Serve(ForwardTarget target) => _target = target;

    /// <param name="endPoint">Where to listen.</param>
    /// <param name="target">Where to.</param>
    /// <param name="logger">Gets what goes wrong.</param>
    /// <exception cref="SocketException">The address is in use, or is none of this machine.</exception>
    public static ForwardDatagrams Start(IPEndPoint endPoint, ForwardTarget target, ILogger logger)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.ReceiveBufferSize = KernelBuffer;
            socket.Bind(endPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        logger.Listening(socket.LocalEndPoint!);
        return new ForwardDatagrams(socket, target, logger);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _receiving;
        foreach (DatagramLink flow in _flows.Values)
        {
            await flow.DisposeAsync();
        }

        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var from = new SocketAddress(_socket.AddressFamily);
        byte[] buffer = new byte[DatagramLink.MaxDatagram];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                int length = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, from, _stopping.Token);
                if (FlowOf(from) is { } flow)
                {
                    await flow.SendAsync(buffer.AsMemory(0, length), cancellationToken: _stopping.Token);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
            {
                // An earlier answer that found nobody, or a flow that has just ended.
            }
        }
    }

    /// <summary>The flow of a socket that sends, or a new one.</summary>
    private DatagramLink? FlowOf(SocketAddress from)
    {
        if (_flows.TryGetValue(from, out DatagramLink? known))
        {
            return known;
        }

        if (_flows.Count >= MaxFlows)
        {
            if (_refusals.TryPass(out int held))
            {
                _logger.TooManyFlows(EndPoint, MaxFlows, held);
            }

            return null;
        }

        var key = new SocketAddress(from.Family, from.Size);
        from.Buffer.Span[..from.Size].CopyTo(key.Buffer.Span);
        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(_target.Destination);
        _flows[key] = near;
        _ = ServeAsync(key, _target, near, far);
        return near;
    }

    private async Task ServeAsync(SocketAddress key, ForwardTarget target, DatagramLink near, DatagramLink far)
    {
        var source = (IPEndPoint)Addresses.Plain(EndPoint.Create(key))!;
        Task answers = AnswerAsync(key, near);
        try
        {
            RoutedDispatcher dispatcher = target.DispatcherOf(new SessionSource(target.Options.Tag, null, source));
            DatagramLink flow = await dispatcher.OpenFlowAsync(
                target.Destination, new DatagramOptions { GlobalId = target.Options.FlowIds.Of(source) }, _stopping.Token);
            await DatagramRelay.RunAsync(far, flow, target.Options.DatagramTimeout, target.Options.TimeProvider, _stopping.Token);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            _logger.NotReached(target.Destination, TargetFailure.Explain(exception));
        }

        _flows.TryRemove(key, out _);
        await near.DisposeAsync();
        await far.DisposeAsync();
        await answers;
    }

    private async Task AnswerAsync(SocketAddress key, DatagramLink near)
    {
        try
        {
            while (await near.ReceiveAsync(_stopping.Token) is { } datagram)
            {
                await _socket.SendToAsync(datagram.Data, SocketFlags.None, key, _stopping.Token);
            }
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The flow has ended, or whoever sent is gone.
        }
    }
}

/// <summary>Where datagrams are forwarded to.</summary>
/// <param name="DispatcherOf">Reaches targets for one who asks.</param>
/// <param name="Destination">Where to.</param>
/// <param name="Options">Settings.</param>
internal sealed record ForwardTarget(Func<SessionSource, RoutedDispatcher> DispatcherOf, Destination Destination, InboundOptions Options);
