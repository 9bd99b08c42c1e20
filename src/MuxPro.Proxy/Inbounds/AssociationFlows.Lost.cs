using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Inbounds;

/// <content>What becomes of flows that are lost, or do not open.</content>
internal sealed partial class AssociationFlows
{
    // What the pool has not repaired, or the server does not do, is not asked for with each datagram.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Guarded by _gate.
    private Destination? _failed; // null while _failedAt is set: all of them
    private long? _failedAt;
    private bool _hasWarned;

    /// <summary>
    /// Opens a flow again, under the same GlobalID, so that the server gives it its public address back (SPEC 7.2). At once, for what comes from
    /// outside has no other way; datagrams of the application are dropped meanwhile.
    /// </summary>
    /// <returns>Whether there is a flow again.</returns>
    private async Task<bool> ReopenAsync(AssociationFlow flow)
    {
        while (true)
        {
            try
            {
                DatagramLink link = await open(flow.Target, _closing.Token);
                if (link.IsFullCone)
                {
                    flow.Link = link;
                    return true;
                }

                // Another server, of an older version: each destination opens its own.
                await link.DisposeAsync();
                return false;
            }
            catch (MainConnectionException)
            {
                // The pool has its own pauses; this one is for one that has none.
                await PauseAsync();
                if (_closing.IsCancellationRequested)
                {
                    return false;
                }
            }
            catch (Exception exception) when (exception is IOException)
            {
                OnFailed(flow.Target, exception);
                return false;
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    private async Task PauseAsync() => await Task.Delay(Pause, time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private bool IsPaused(Destination destination)
    {
        lock (_gate)
        {
            return _failedAt is { } failed && time.GetElapsedTime(failed) < Pause && (_failed is null || _failed.Equals(destination));
        }
    }

    private void OnFailed(Destination destination, Exception exception)
    {
        bool isNews;
        lock (_gate)
        {
            _failed = exception is MainConnectionException ? null : destination;
            _failedAt = time.GetTimestamp();
            isNews = !_hasWarned;
            _hasWarned = true;
        }

        // Once per association: a datagram is cheap to send again.
        if (isNews)
        {
            logger.NotReached(destination, TargetFailure.Explain(exception));
        }
    }
}
