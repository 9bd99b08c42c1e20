using Microsoft.Extensions.Logging;
using MuxPro.Diagnostics;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>
/// One run of a main connection: its two loops and its clock, and what is let go of and reported when both loops have ended.
/// </summary>
internal sealed class ConnectionRun(
    MainConnection connection, SessionContext context, Transport transport, ReceiveLoop receiveLoop, SendLoop sendLoop, FrameCutter cutter,
    Clock clock, MuxMetrics metrics, ILogger log)
{
    // A transport that cannot even be closed may keep a receive or a send for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ILogger _log = log;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _started = context.Now;

    /// <summary>Done when the main connection is gone and both loops have ended, or will not end. Never fails.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Runs to the end. Never fails.</summary>
    public async Task RunAsync()
    {
        bool isCounted = metrics.ConnectionOpened(context.IsClient);
        try
        {
            clock.Start();
            await Task.WhenAll(receiveLoop.RunAsync(), sendLoop.RunAsync()).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Neither loop throws what the outside can cause; if one does, it is a bug, and the others must not hang on it.
            _log.LoopFailed(exception);
            connection.Fail(MainConnectionEnd.TransportFailed, "The main connection failed inside.", exception);
        }
        finally
        {
            await clock.StopAsync().ConfigureAwait(false);
            cutter.Stop();
            await transport.DisposeAsync().ConfigureAwait(false);
            cutter.Batch.Clear();
            MainConnectionException failure = connection.Failure!;
            if (isCounted)
            {
                metrics.ConnectionEnded(context.IsClient, failure.Reason, context.Time.GetElapsedTime(_started));
            }

            _log.MainConnectionEnded(context.RemoteEndPoint, failure.Reason, failure.Message);
            _ = _completion.TrySetResult();
        }
    }

    /// <summary>The main connection is gone, its transport aborted: nobody waits for long for loops that do not end by that.</summary>
    public void OnFailed() => _ = GiveUpAsync();

    private async Task GiveUpAsync()
    {
        await Completion.WaitAsync(Patience, context.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_completion.TrySetResult())
        {
            _log.TransportStuck(context.RemoteEndPoint);
        }
    }
}
