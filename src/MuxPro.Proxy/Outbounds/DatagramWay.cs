using System.Threading.Channels;
using MuxPro.Proxy.Inbounds;

namespace MuxPro.Proxy.Outbounds;

/// <summary>The part of a flow that takes one outbound: all its destinations, or just one where the other end has no addresses for datagrams.</summary>
internal sealed class DatagramWay(RoutedDatagramLink link, Destination target, Outbound expected)
{
    // What comes while it opens waits here: a name lookup's question is one datagram.
    private const int MaxWaiting = 32;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _used = Channel.CreateBounded<bool>(1);
    private readonly CancellationTokenSource _closing = CancellationTokenSource.CreateLinkedTokenSource(link.Closing);
    private readonly long _started = link.Snapshots.TimeProvider.GetTimestamp();
    private readonly Lock _gate = new();
    private readonly Queue<(byte[] Data, Destination Target)> _waiting = []; // guarded by _gate
    private volatile DatagramLink? _flow;
    private volatile Outbound? _outbound;
    private volatile bool _isOver;
    private long _up;
    private long _upBytes;
    private long _down;
    private long _downBytes;
    private long _dropped;
    private string _end = "closed";

    /// <summary>Done when the way is open; fails with what kept it from that.</summary>
    public Task Opened => _opened.Task;

    /// <summary>The outbound that it takes; until it is open, the one that it tries first.</summary>
    public Outbound Outbound => _outbound ?? expected;

    public bool IsOver => _isOver;

    /// <summary>When a datagram was last sent on it.</summary>
    public long LastUsed { get; private set; }

    public long Dropped => Interlocked.Read(ref _dropped) + (_flow?.Dropped ?? 0);

    public void Start() => _ = Task.Run(RunAsync);

    public void Close()
    {
        lock (_gate)
        {
            if (!_isOver)
            {
                _ = _closing.CancelAsync();
            }
        }
    }

    /// <summary>The receiver has done with the datagram it got last.</summary>
    public void Return() => _used.Writer.TryWrite(true);

    /// <summary>Whether datagrams to a destination may go here.</summary>
    public async ValueTask<bool> ServesAsync(Destination destination, CancellationToken cancellationToken)
    {
        if (target.Equals(destination))
        {
            return true;
        }

        await Opened.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return _flow?.IsFullCone == true;
    }

    /// <summary>Sends a datagram, or keeps it while the way opens.</summary>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination destination, CancellationToken cancellationToken)
    {
        LastUsed = link.Snapshots.TimeProvider.GetTimestamp();
        if (_flow is not { } flow)
        {
            return TryKeep(data, destination);
        }

        try
        {
            if (await flow.SendAsync(data, flow.IsFullCone ? destination : null, cancellationToken))
            {
                Interlocked.Increment(ref _up);
                Interlocked.Add(ref _upBytes, data.Length);
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has just ended, which its receiver sees too.
            Interlocked.Increment(ref _dropped);
        }

        return false;
    }

    private bool TryKeep(ReadOnlyMemory<byte> data, Destination destination)
    {
        lock (_gate)
        {
            if (!_isOver && _waiting.Count < MaxWaiting)
            {
                _waiting.Enqueue((data.ToArray(), destination));
                return true;
            }
        }

        Interlocked.Increment(ref _dropped);
        return false;
    }

    private async Task RunAsync()
    {
        Exception? failure = null;
        try
        {
            while (await CarryAsync())
            {
                await Task.Delay(Pause, link.Snapshots.TimeProvider, _closing.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException && _closing.IsCancellationRequested)
        {
            // It was closed.
        }
        catch (Exception exception)
        {
            failure = exception;
            _end = exception is SessionException session ? ErrorReplies.Name(session.ErrorCode) : exception.Message;
        }

        lock (_gate)
        {
            _isOver = true;
        }

        _closing.Dispose();
        _opened.TrySetException(failure ?? new OperationCanceledException("The flow was closed."));
        _ = _opened.Task.Exception;
        Report();
        link.OnEnded(this, failure);
    }

    /// <summary>Opens the way and carries answers until it ends.</summary>
    /// <returns>Whether its main connection was lost: then it is opened again, under the same GlobalID (SPEC 7.2).</returns>
    private async Task<bool> CarryAsync()
    {
        DatagramLink flow;
        Outbound outbound;
        try
        {
            (flow, outbound) = await OpenAsync();
        }
        catch (IOException exception) when (_outbound is not null && exception is not SessionException)
        {
            // It was open, and the outbound does not work at the moment.
            return true;
        }

        try
        {
            _outbound = outbound;
            _flow = flow;
            _opened.TrySetResult();
            await SendWaitingAsync();
            while (await flow.ReceiveAsync(_closing.Token) is { } datagram)
            {
                Interlocked.Increment(ref _down);
                Interlocked.Add(ref _downBytes, datagram.Data.Length);
                link.OnReceived(this, datagram);

                // Not given up when this way alone is closed: the datagram is still in use.
                await _used.Reader.ReadAsync(link.Closing);
            }

            return false;
        }
        catch (IOException exception) when (exception is not SessionException)
        {
            // The main connection is lost, or the proxy. What comes from outside has no other way. Where each destination has its own, the next datagram opens it.
            return flow.IsFullCone;
        }
        finally
        {
            _flow = null;
            Interlocked.Add(ref _dropped, flow.Dropped);
            await flow.DisposeAsync();
            outbound.Leave();
        }
    }

    private ValueTask<(DatagramLink Flow, Outbound Outbound)> OpenAsync()
        => link.Dispatcher.ReachAsync(
            target,
            static (outbound, route, way, cancellationToken) => outbound.OpenFlowAsync(
                way.Target, way.Options with { Priority = route.Priority ?? way.Options.Priority }, cancellationToken),
            (Target: target, link.Options), _closing.Token);

    private async Task SendWaitingAsync()
    {
        while (true)
        {
            (byte[] Data, Destination Target) next;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    return;
                }
            }

            await SendAsync(next.Data, next.Target, _closing.Token);
        }
    }

    private void Report()
    {
        if (_outbound is { } outbound)
        {
            TimeSpan elapsed = link.Snapshots.TimeProvider.GetElapsedTime(_started);
            link.Snapshots.AccessLog.WriteDatagrams(
                link.Dispatcher.Source, target, outbound.Tag, Interlocked.Read(ref _up), Interlocked.Read(ref _upBytes), Interlocked.Read(ref _down),
                Interlocked.Read(ref _downBytes), (long)elapsed.TotalMilliseconds, _end);
        }
    }
}
