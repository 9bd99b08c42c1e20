namespace MuxPro;

/// <content>How the two links end.</content>
internal sealed partial class RelayRun
{
    /// <summary>
    /// A session whose neighbour took no more ends in order: a reset would overtake the answer that waits in it, and its other end is told
    /// to stop all the same (SPEC 6.3.4).
    /// </summary>
    private bool MustAbort(Link link, bool stopped) => !_isLost && (stopped || (_isCut && link is not Session));

    private void AbortStreams()
    {
        Exception? reason;
        lock (_gate)
        {
            reason = _error;
        }

        AbortStream(first, reason);
        AbortStream(second, reason);
    }

    private void AbortStream(Link link, Exception? reason)
    {
        try
        {
            (link as StreamLink)?.Abort(reason);
        }
        catch (Exception exception)
        {
            // A stream that cannot even be closed is closed for us; the other one is still to be.
            Record(exception, SideOf(link));
        }
    }

    private RelaySide SideOf(Link link) => ReferenceEquals(link, first) ? RelaySide.First : RelaySide.Second;

    private async ValueTask EndAsync(Link link, bool abort)
    {
        try
        {
            if (abort)
            {
                // A cancellation is this end's own: to readers at the other end it is a failure, not a cancelled read.
                link.Abort(_error is OperationCanceledException
                    ? new SessionException(ErrorCode.RemoteDisconnect, "The relay was cancelled.", _error)
                    : _error);
            }

            await link.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A link that cannot even be closed is closed for us.
            Record(exception, SideOf(link));
        }
    }
}
