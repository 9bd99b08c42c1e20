using Microsoft.Extensions.Logging;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>
/// Has an application's handler serve the sub-connections of one main connection: a failure is that of its sub-connection alone.
/// </summary>
internal sealed class SessionHandlers(Func<Session, CancellationToken, Task> handle, bool takesDatagrams, ILogger log)
{
    private readonly ILogger _log = log;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running = 1; // and whoever waits for them

    /// <summary>Starts the handler of a sub-connection.</summary>
    /// <returns><see langword="true"/>: nobody else serves it.</returns>
    public bool Start(Session session)
    {
        if (session.IsDatagrams && !takesDatagrams)
        {
            session.Abort(ErrorCode.ProxyRejected);
        }
        else
        {
            Interlocked.Increment(ref _running);
            _ = RunAsync(session);
        }

        return true;
    }

    /// <summary>Waits for those that run, when no more are started.</summary>
    public Task WhenEndedAsync()
    {
        Leave();
        return _ended.Task;
    }

    private async Task RunAsync(Session session)
    {
        // Whoever starts it has the next sub-connection to look at.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        CancellationToken aborted = session.Aborted;
        try
        {
            await handle(session, aborted).ConfigureAwait(false);
            session.Close();
        }
        catch (Exception exception)
        {
            End(session, exception, aborted);
        }
        finally
        {
            Leave();
        }
    }

    private void End(Session session, Exception exception, CancellationToken aborted)
    {
        if (!aborted.IsCancellationRequested && exception is not SessionException)
        {
            // Where the sub-connection had failed before, its handler only tells of that; and a SessionException is a refusal.
            _log.HandlerFailed(session.Id, session.Destination, exception);
        }

        session.Abort(exception as SessionException ?? new SessionException(
            ErrorCode.RemoteDisconnect, $"The handler of session {session.Id} to {session.Destination} failed.", exception));
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _ended.SetResult();
        }
    }
}
