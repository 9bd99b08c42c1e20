using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Inbounds;

/// <summary>Every datagram goes to one target, a flow for each socket that sends; answers go back where the flow came from. Flows end when they idle.</summary>
internal sealed class ForwardDatagrams : IAsyncDisposable
{
    // Most sockets that are served at once: an address is cheap to forge.
    private const int MaxFlows = 4096;
    private const int KernelBuffer = 1024 * 1024;
    private static readonly TimeSpan MessageInterval = TimeSpan.FromMinutes(1);

    private readonly Socket _socket;
    private readonly Func<SessionSource, IFlowDispatcher> _dispatcherOf;
    private readonly Destination _target;
    private readonly InboundOptions _options;
    private readonly ILogger _logger;
    private readonly RareMessage _refusals;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<SocketAddress, DatagramLink> _flows = new();
    private readonly Task _receiving;

    private ForwardDatagrams(
        Socket socket, Func<SessionSource, IFlowDispatcher> dispatcherOf, Destination target, InboundOptions options, ILogger logger)
    {
        _socket = socket;
        _dispatcherOf = dispatcherOf;
        _target = target;
        _options = options;
        _logger = logger;
        _refusals = new RareMessage(options.TimeProvider, MessageInterval);
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _receiving = Task.Run(ReceiveAsync);
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>How many sockets are served.</summary>
    public int OpenFlows => _flows.Count;

    /// <param name="endPoint">Where to listen.</param>
    /// <param name="dispatcherOf">Reaches targets for one who asks.</param>
    /// <param name="target">Where to.</param>
    /// <param name="options">Settings.</param>
    /// <param name="logger">Gets what goes wrong.</param>
    /// <exception cref="SocketException">The address is in use, or is none of this machine.</exception>
    public static ForwardDatagrams Start(
        IPEndPoint endPoint, Func<SessionSource, IFlowDispatcher> dispatcherOf, Destination target, InboundOptions options, ILogger logger)
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
        return new ForwardDatagrams(socket, dispatcherOf, target, options, logger);
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
        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(_target);
        _flows[key] = near;
        _ = ServeAsync(key, near, far);
        return near;
    }

    private async Task ServeAsync(SocketAddress key, DatagramLink near, DatagramLink far)
    {
        var source = (IPEndPoint)Addresses.Plain(EndPoint.Create(key))!;
        Task answers = AnswerAsync(key, near);
        try
        {
            IFlowDispatcher dispatcher = _dispatcherOf(new SessionSource(_options.Tag, null, source));
            DatagramLink flow = await dispatcher.OpenFlowAsync(_target, _options.FlowIds.Of(source), _stopping.Token);
            await DatagramRelay.RunAsync(far, flow, _options.DatagramTimeout, _options.TimeProvider, _stopping.Token);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            _logger.NotReached(_target, TargetFailure.Explain(exception));
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
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The flow has ended, or whoever sent is gone.
        }
    }
}
