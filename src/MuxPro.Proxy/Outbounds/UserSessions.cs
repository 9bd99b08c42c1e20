using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Serves the sub-connections of one user's main connection: connects each to its target, carries it, and reports how it ended.</summary>
internal sealed class UserSessions(
    IDispatcher targets, string user, EndPoint? source, MuxOptions options, TargetReasons? reasons, ILogger logger)
{
    // A main connection inside a main connection inside ... costs the one who opens it little and us a lot.
    private const int MaxDepth = 4;

    private int _pending;

    /// <summary>Serves until the main connection ends.</summary>
    /// <exception cref="OperationCanceledException">It was closed from here.</exception>
    public Task RunAsync(Link link, CancellationToken closing) => RunAsync(link, depth: 0, closing);

    private async Task RunAsync(Link link, int depth, CancellationToken closing)
    {
        await foreach (Session session in new Server(options: options).AcceptAllAsync(link, closing))
        {
            _ = Task.Run(() => ServeAsync(session, depth), CancellationToken.None);
        }
    }

    private async Task ServeAsync(Session session, int depth)
    {
        try
        {
            if (session.Destination.IsMuxPro && depth < MaxDepth)
            {
                // SPEC 7.1: a main connection inside this one.
                await RunAsync(session, depth + 1, CancellationToken.None);
                return;
            }

            long started = options.TimeProvider.GetTimestamp();
            RelayResult result = default;
            await using (session)
            {
                if (await TryReachAsync(session) is { } target)
                {
                    result = await Relay.RunAsync(session, target);
                }
            }

            ErrorCode code = session.EndCode ?? (result.Error is null ? ErrorCode.GracefulShutdown : ErrorCode.RemoteDisconnect);
            logger.Served(
                source, user, session.Destination, result.BytesForward, result.BytesBackward,
                (long)options.TimeProvider.GetElapsedTime(started).TotalMilliseconds, Inbounds.ErrorReplies.Name(code));
        }
        catch (Exception exception)
        {
            // This sub-connection ends, the others go on.
            logger.SessionFaulted(user, session.Destination, exception);
            session.Abort(new SessionException(ErrorCode.RemoteDisconnect, exception.Message, exception));
        }
    }

    /// <returns>The target, or <see langword="null"/> where the client was told why there is none (SPEC 6.3.2).</returns>
    private async Task<Link?> TryReachAsync(Session session)
    {
        try
        {
            if (Interlocked.Increment(ref _pending) > options.MaxPendingDispatches)
            {
                throw new SessionException(ErrorCode.ResourceExhaustion, $"{options.MaxPendingDispatches} targets are being dialled for this client already.");
            }

            if (session.Destination.IsMuxPro)
            {
                throw new SessionException(ErrorCode.ResourceExhaustion, $"Main connections are nested more than {MaxDepth} deep.");
            }

            Link target = await ReachAsync(session);
            logger.TargetConnected(user, session.Destination);
            return target;
        }
        catch (OperationCanceledException)
        {
            // The client did not wait for it.
            session.Abort(ErrorCode.RemoteDisconnect);
            return null;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            string reason = TargetFailure.Describe(exception);
            logger.TargetFailed(user, session.Destination, reason);
            reasons?.Add(session.Destination, reason);
            session.Abort(exception as SessionException ?? new SessionException(ErrorCode.DestinationUnreachable, reason, exception));
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    private async Task<Link> ReachAsync(Session session)
    {
        using var given = new CancellationTokenSource(options.DispatchTimeout, options.TimeProvider);
        Task<Link> reaching = targets.DispatchAsync(session.Destination, given.Token).AsTask();
        bool isOver = await Task.WhenAny(reaching, session.Completion) != reaching;
        if (isOver)
        {
            // A session that is aborted meanwhile must not leave a dial behind.
            await given.CancelAsync();
        }

        try
        {
            return await reaching;
        }
        catch (OperationCanceledException exception) when (!isOver)
        {
            throw new SessionException(ErrorCode.OperationTimeout, $"it was not reached within {options.DispatchTimeout.TotalSeconds} s", exception);
        }
    }
}
