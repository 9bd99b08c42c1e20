using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// The sub-connections of an association: one for all destinations where the version carries an address with each datagram, one for each where it does
/// not (0.0). One sender; answers come by themselves.
/// </summary>
/// <param name="open">Opens a flow by its first destination.</param>
/// <param name="answer">Sends an answer to the application; whether that was possible.</param>
/// <param name="counts">Gets what becomes of the datagrams.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets why a destination was not reached.</param>
internal sealed partial class AssociationFlows(
    Func<Destination, CancellationToken, ValueTask<DatagramLink>> open,
    Func<Datagram, CancellationToken, ValueTask<bool>> answer,
    AssociationCounts counts, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>Most sub-connections of an association where each destination has its own.</summary>
    public const int MaxFlows = 256;

    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private readonly Dictionary<Destination, AssociationFlow> _byDestination = [];
    private AssociationFlow? _forAll;

    // Those that receive answers, and the sender.
    private int _running = 1;

    /// <summary>How many sub-connections there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byDestination.Count + (_forAll is null ? 0 : 1);
            }
        }
    }

    /// <summary>
    /// Sends a datagram. It waits only where a sub-connection has to be opened first: what comes meanwhile waits in the kernel, which drops and counts
    /// what it has no room for.
    /// </summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> data, Destination destination, CancellationToken cancellationToken)
    {
        AssociationFlow? flow = Find(destination) ?? await OpenAsync(destination, cancellationToken);
        if (flow?.Link is not { } link)
        {
            counts.AddDropped();
            return;
        }

        try
        {
            // The link counts what it drops.
            if (await link.SendAsync(data, link.IsFullCone ? destination : null, cancellationToken))
            {
                counts.AddUp(data.Length);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has just ended, which its receiver sees too.
            counts.AddDropped();
        }
    }

    /// <summary>Ends all sub-connections. Call it when no send goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        Leave();
        await _ended.Task;
        _closing.Dispose();
    }

    private AssociationFlow? Find(Destination destination)
    {
        lock (_gate)
        {
            AssociationFlow? flow = _forAll ?? _byDestination.GetValueOrDefault(destination);
            if (flow is not null)
            {
                flow.LastUsed = time.GetTimestamp();
            }

            return flow;
        }
    }

    private async ValueTask<AssociationFlow?> OpenAsync(Destination destination, CancellationToken cancellationToken)
    {
        if (IsPaused(destination))
        {
            return null;
        }

        DatagramLink link;
        try
        {
            link = await open(destination, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException)
        {
            OnFailed(destination, exception);
            return null;
        }

        return Add(new AssociationFlow(destination, link) { LastUsed = time.GetTimestamp() });
    }

    private AssociationFlow Add(AssociationFlow flow)
    {
        AssociationFlow? oldest = null;
        lock (_gate)
        {
            if (flow.Link!.IsFullCone)
            {
                _forAll = flow;
            }
            else
            {
                oldest = _byDestination.Count < MaxFlows ? null : _byDestination.Values.MinBy(static other => other.LastUsed);
                if (oldest is not null)
                {
                    _byDestination.Remove(oldest.Target);
                }

                _byDestination[flow.Target] = flow;
            }
        }

        // Whoever receives its answers sees it.
        oldest?.Link?.Abort();
        Interlocked.Increment(ref _running);
        _ = Task.Run(() => ReceiveAsync(flow), CancellationToken.None);
        return flow;
    }

    private async Task ReceiveAsync(AssociationFlow flow)
    {
        try
        {
            bool isLost;
            long? reopened = null;
            do
            {
                DatagramLink link = flow.Link!;
                isLost = await AnswerAsync(link, flow.Target) && link.IsFullCone;
                flow.Link = null;
                await link.DisposeAsync();
                counts.AddDropped(link.Dropped);
                if (isLost && reopened is { } since && time.GetElapsedTime(since) < Pause)
                {
                    // The server takes main connections and ends them: at once would be as fast as both can.
                    await PauseAsync();
                }

                reopened = time.GetTimestamp();
            }
            while (isLost && await ReopenAsync(flow));
        }
        finally
        {
            Remove(flow);
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _ended.TrySetResult();
        }
    }

    private void Remove(AssociationFlow flow)
    {
        lock (_gate)
        {
            if (_forAll == flow)
            {
                _forAll = null;
            }
            else if (_byDestination.GetValueOrDefault(flow.Target) == flow)
            {
                _byDestination.Remove(flow.Target);
            }
        }
    }

    /// <summary>Hands answers on until the flow ends.</summary>
    /// <returns>Whether it ended because its main connection was lost.</returns>
    private async Task<bool> AnswerAsync(DatagramLink link, Destination target)
    {
        try
        {
            while (await link.ReceiveAsync(_closing.Token) is { } datagram)
            {
                if (await answer(datagram, _closing.Token))
                {
                    counts.AddDown(datagram.Data.Length);
                }
                else
                {
                    counts.AddDropped();
                }
            }

            return false;
        }
        catch (MainConnectionException)
        {
            return !_closing.IsCancellationRequested;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
        catch (IOException exception)
        {
            OnFailed(target, exception);
            return false;
        }
    }
}
