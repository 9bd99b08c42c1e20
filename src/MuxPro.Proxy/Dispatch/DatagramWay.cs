using System.Threading.Channels;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Dispatch;

/// <summary>
/// The part of a flow that takes one outbound: all its destinations, or just one where the other end has no addresses for datagrams. It is
/// opened again where its main connection is lost.
/// </summary>
internal sealed class DatagramWay(RoutedDatagramLink link, Destination target, Outbound expected)
{
    // What comes while it opens waits here: a name lookup's question is one datagram.
    private const int MaxWaiting = 32;

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _used = Channel.CreateBounded<bool>(1);
    private readonly CancellationTokenSource _closing = CancellationTokenSource.CreateLinkedTokenSource(link.Closing);
    private readonly long _started = link.TimeProvider.GetTimestamp();
    private readonly Attempt _attempt = new();
    private readonly DatagramCounts _counts = new();
    private readonly Lock _gate = new();
    private readonly Queue<(byte[] Data, Destination Target)> _waiting = []; // guarded by _gate
    private long? _reopened;
    private volatile DatagramLink? _flow;
    private volatile Outbound? _outbound;
    private volatile bool _isFullCone;
    private volatile bool _isOver;
    private string _end = "closed";

    /// <summary>The destination that it was opened for.</summary>
    public Destination Target => target;

    /// <summary>Done when the way is open; fails with what kept it from that.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Done when it has ended and given back what it had.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The outbound that it takes; until it is open, the one that it tries first.</summary>
    public Outbound Outbound => _outbound ?? expected;

    /// <summary>Whether it carries nothing any more.</summary>
    public bool IsOver => _isOver;

    /// <summary>When a datagram was last sent on it.</summary>
    public long LastUsed { get; private set; }

    public long Dropped => _counts.Dropped + (_flow?.Dropped ?? 0);

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
        return _isFullCone;
    }

    /// <summary>Sends a datagram, or keeps it while the way opens for the first time.</summary>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination destination, CancellationToken cancellationToken)
    {
        LastUsed = link.TimeProvider.GetTimestamp();
        if (_flow is not { } flow)
        {
            return TryKeep(data, destination);
        }

        try
        {
            // The flow counts what it drops.
            if (await flow.SendAsync(data, flow.IsFullCone ? destination : null, cancellationToken))
            {
                _counts.AddUp(data.Length);
                return true;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has just ended, which its receiver sees too.
            _counts.AddDropped();
        }

        return false;
    }

    private bool TryKeep(ReadOnlyMemory<byte> data, Destination destination)
    {
        lock (_gate)
        {
            if (!_isOver && _outbound is null && _waiting.Count < MaxWaiting)
            {
                _waiting.Enqueue((data.ToArray(), destination));
                return true;
            }
        }

        _counts.AddDropped();
        return false;
    }

    private async Task RunAsync()
    {
        Exception? failure = null;
        try
        {
            while (await CarryAsync())
            {
                // At once, for what comes from outside has no other way. Where that is not for long, at once would be as fast as both ends
                // can.
                if (_reopened is { } since && link.TimeProvider.GetElapsedTime(since) < RoutedDatagramLink.Pause)
                {
                    await Task.Delay(RoutedDatagramLink.Pause, link.TimeProvider, _closing.Token);
                }

                _reopened = link.TimeProvider.GetTimestamp();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException
            && _closing.IsCancellationRequested)
        {
            // It was closed.
        }
        catch (Exception exception)
        {
            failure = exception;
            _end = exception is SessionException session ? TargetFailure.NameOf(session.ErrorCode) : exception.Message;
        }

        lock (_gate)
        {
            _isOver = true;
            _counts.AddDropped(_waiting.Count);
            _waiting.Clear();
        }

        _closing.Dispose();
        _opened.TrySetException(failure ?? new OperationCanceledException("The flow was closed."));
        _ = _opened.Task.Exception;
        if (_outbound is { } outbound)
        {
            link.Dispatcher.Report(target, outbound, _counts, _attempt.Priority ?? link.Options.Priority, _started, _end);
        }

        link.OnEnded(this, failure);
        _ended.TrySetResult();
    }

    /// <summary>Opens the way and carries answers until it ends.</summary>
    /// <returns>Whether its main connection was lost: then it is opened again, under the same GlobalID (SPEC 7.2).</returns>
    private async Task<bool> CarryAsync()
    {
        DatagramLink flow;
        try
        {
            flow = await link.Dispatcher.ReachAsync(
                target,
                static (outbound, route, way, cancellationToken) => outbound.OpenFlowAsync(
                    way.Target, way.Options with { Priority = route.Priority ?? way.Options.Priority }, cancellationToken),
                (Target: target, link.Options), _attempt, _closing.Token);
        }
        catch (IOException exception) when (_outbound is not null && exception is not SessionException)
        {
            // It was open, and the outbound does not work at the moment.
            return true;
        }

        Outbound outbound = _attempt.Outbound!;
        try
        {
            if (_outbound is not null && !flow.IsFullCone)
            {
                // Another server, of an older version: each destination opens its own.
                return false;
            }

            _isFullCone = flow.IsFullCone;
            _flow = flow;
            await SendWaitingAsync(outbound);
            _opened.TrySetResult();
            while (await flow.ReceiveAsync(_closing.Token) is { } datagram)
            {
                _counts.AddDown(datagram.Data.Length);
                link.OnReceived(this, datagram);

                // Not given up when this way alone is closed: the datagram is still in use.
                await _used.Reader.ReadAsync(link.Closing);
            }

            return false;
        }
        catch (IOException exception) when (exception is not SessionException)
        {
            // The main connection is lost, or the proxy. Where each destination has its own way, the next datagram opens it.
            return flow.IsFullCone;
        }
        finally
        {
            _flow = null;
            await flow.DisposeAsync();
            _counts.AddDropped(flow.Dropped);
            outbound.Leave();
        }
    }

    /// <summary>Sends what came while the way opened; from then on what comes while it is lost is dropped.</summary>
    private async Task SendWaitingAsync(Outbound outbound)
    {
        while (true)
        {
            (byte[] Data, Destination Target) next;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    _outbound = outbound;
                    return;
                }
            }

            await SendAsync(next.Data, next.Target, _closing.Token);
        }
    }
}
