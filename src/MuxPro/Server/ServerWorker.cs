using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MuxPro.Diagnostics;
using MuxPro.Engine;

namespace MuxPro;

/// <summary>The server end of one main connection: each sub-connection is dispatched, or handed to whoever accepts.</summary>
public sealed class ServerWorker : IAsyncDisposable
{
    private readonly MainConnection _connection;
    private readonly IDispatcher? _dispatcher;
    private readonly ChannelWriter<Session>? _incoming;
    private readonly ServerContext _context;
    private readonly MuxOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DispatchFailures _failures;

    // Never disposed: it has no timer, and late dispatches link to it.
    private readonly CancellationTokenSource _gone = new();
    private int _pending;

    /// <summary>Serves a link; each sub-connection goes to a dispatcher.</summary>
    /// <param name="link">The byte stream to a client; owned by the worker from now on.</param>
    /// <param name="dispatcher">Reaches the destinations.</param>
    /// <param name="options">Settings; the default is <see cref="MuxOptions"/>'s.</param>
    public ServerWorker(Link link, IDispatcher dispatcher, MuxOptions? options = null)
        : this(link, dispatcher, options, new ServerContext())
    {
    }

    internal ServerWorker(Link link, IDispatcher dispatcher, MuxOptions? options, ServerContext context)
        : this(link, options, context)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        _dispatcher = dispatcher;
        _connection.Start();
    }

    internal ServerWorker(Link link, ChannelWriter<Session> incoming, MuxOptions options, ServerContext? context = null)
        : this(link, options, context ?? new ServerContext())
    {
        _incoming = incoming;
        _connection.Start();
    }

    private ServerWorker(Link link, MuxOptions? options, ServerContext context)
    {
        ArgumentNullException.ThrowIfNull(link);
        _context = context;
        _options = options ?? MuxOptions.Default;
        _time = GuardedTime.Over(_options.TimeProvider);
        _log = GuardedLogger.For<ServerWorker>(_options);
        _failures = new DispatchFailures(_log);
        _connection = new MainConnection(link, _options, OnOpened);
        _ = EndWithConnectionAsync();
    }

    /// <summary>What the kernel measured, or the last ping, or the negotiation; <see langword="null"/> while it is not known.</summary>
    public TimeSpan? RoundTripTime => _connection.RoundTripTime;

    /// <summary>Sub-connections that are open.</summary>
    public int ActiveSessions => _connection.ActiveSessions;

    /// <summary>Done when the main connection is gone. Never fails.</summary>
    public Task Completion => _connection.Completion;

    /// <summary>Why the main connection ended, or <see langword="null"/> while it lives.</summary>
    public MainConnectionException? Failure => _connection.Failure;

    /// <summary>
    /// Tells the client to open nothing more here (SPEC 8, GoAway), waits until its sub-connections have ended, and closes. In 0.0 and 0.1,
    /// which have no GoAway, sub-connections are served until none is open.
    /// </summary>
    /// <param name="cancellationToken">The deadline: closes what is still open.</param>
    /// <returns>How many sub-connections were still open when the deadline came.</returns>
    public async Task<int> DrainAsync(CancellationToken cancellationToken)
    {
        _connection.GoAway(ErrorCode.GracefulShutdown, "The server takes no new sub-connections.");
        try
        {
            await Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException)
        {
            int open = ActiveSessions;
            await CloseAsync().ConfigureAwait(false);
            return open;
        }
    }

    /// <summary>Closes the main connection in order.</summary>
    /// <returns>A task that is done when both loops have ended and the link is closed.</returns>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    internal Task CloseAsync() => _connection.CloseAsync();

    /// <summary>Runs on the receive loop: must not wait, and must not call what is not ours.</summary>
    private void OnOpened(Session session)
    {
        if (_incoming is not null)
        {
            if (session.IsDatagrams && !_context.AcceptsDatagrams)
            {
                session.Abort(ErrorCode.ProxyRejected);
            }
            else
            {
                _ = _incoming.TryWrite(session);
            }
        }
        else if (Interlocked.Increment(ref _pending) > _options.MaxPendingDispatches)
        {
            Interlocked.Decrement(ref _pending);
            _log.DispatchFailed(session.Id, session.Destination, ErrorCode.ResourceExhaustion, nameof(MuxOptions.MaxPendingDispatches));
            session.Abort(ErrorCode.ResourceExhaustion);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static work => _ = work.Worker.ServeAsync(work.Session), (Worker: this, Session: session), preferLocal: false);
        }
    }

    private async Task ServeAsync(Session session)
    {
        if (IsTaken(session))
        {
            Interlocked.Decrement(ref _pending);
            session.ConfirmOpened();
            return;
        }

        long started = _time.GetTimestamp();
        Link? target = null;
        RelayResult result;
        long dropped = 0;
        if (session.IsDatagrams)
        {
            (result, dropped) = await ServeDatagramsAsync(session.AsDatagrams()).ConfigureAwait(false);
        }
        else
        {
            (result, target) = await ServeStreamAsync(session).ConfigureAwait(false);
        }

        await session.DisposeAsync().ConfigureAwait(false);
        if (_context.SessionEnded is not null)
        {
            Report(session, target, result, dropped, _time.GetElapsedTime(started));
        }
    }

    private bool IsTaken(Session session)
    {
        try
        {
            return _context.Take?.Invoke(session) == true;
        }
        catch (Exception exception)
        {
            // A bug of the callee's: this sub-connection ends, the others go on.
            _failures.End(session, exception);
            return true;
        }
    }

    private async Task<(RelayResult Result, Link? Target)> ServeStreamAsync(Session session)
    {
        try
        {
            Link link = await DispatchAsync(
                session,
                (session, token) => _dispatcher!.DispatchAsync(session.Destination, session.Priority, token)).ConfigureAwait(false);
            session.ConfirmOpened();
            return (await Relay.RunAsync(session, link).ConfigureAwait(false), link);
        }
        catch (Exception exception)
        {
            _failures.End(session, exception);
            return (new RelayResult(0, 0, exception, null), null);
        }
    }

    /// <summary>SPEC 7.2: a flow with a GlobalID goes on where an earlier sub-connection with the same one was lost.</summary>
    private async Task<(RelayResult Result, long Dropped)> ServeDatagramsAsync(DatagramSession session)
    {
        FlowTable.Lease? lease = null;
        DatagramLink? link = null;
        bool isLost = false;
        try
        {
            if (session.GlobalId != 0)
            {
                lease = await _context.Flows.AcquireAsync(_context.Peer, session.GlobalId).ConfigureAwait(false);
                link = lease.Link;
            }

            if (link is null)
            {
                // Not the GlobalID: it is one of this peer's, and its flow lives on here (FlowTable).
                link = await DispatchAsync(
                    session.Session,
                    (session, cancellationToken) => _dispatcher!.DispatchDatagramsAsync(
                        session.Destination, new DatagramOptions { Priority = session.Priority }, cancellationToken)).ConfigureAwait(false);
            }
            else
            {
                Interlocked.Decrement(ref _pending);
            }

            // A flow that was taken over has the drops of the earlier ones too.
            long droppedBefore = lease?.Link is null ? 0 : link.Dropped;
            session.Session.ConfirmOpened();
            CancellationToken revoked = lease?.Revoked ?? CancellationToken.None;
            DatagramRelayResult result = await DatagramRelay.CopyAsync(
                session, link, _options.DatagramIdleTimeout, _time, revoked).ConfigureAwait(false);
            isLost = result is { End: DatagramRelayEnd.Failed, Side: RelaySide.First } && _connection.Failure is not null;
            if (result.Error is not null)
            {
                session.Abort(result.Error is OperationCanceledException
                    ? new SessionException(ErrorCode.RemoteDisconnect, "Another sub-connection took the flow over.") : result.Error);
            }

            var relayed = new RelayResult(result.BytesForward, result.BytesBackward, result.Error, result.Side);
            return (relayed, session.Dropped + link.Dropped - droppedBefore);
        }
        catch (Exception exception)
        {
            _failures.End(session.Session, exception);
            return (new RelayResult(0, 0, exception, null), session.Dropped);
        }
        finally
        {
            DatagramLink? surplus = lease is null ? link : lease.Release(link, isLost);
            if (surplus is not null)
            {
                if (await surplus.TryDisposeAsync().ConfigureAwait(false) is { } exception)
                {
                    _log.FlowCloseFailed(session.Session.Id, session.Session.Destination, exception);
                }
            }
        }
    }

    private void Report(Session session, Link? target, RelayResult result, long dropped, TimeSpan duration)
    {
        ErrorCode code = session.EndCode ?? (result.Error is null ? ErrorCode.GracefulShutdown : ErrorCode.RemoteDisconnect);
        try
        {
            _context.SessionEnded!(new SessionReport(
                session.Destination, code, result.BytesForward, result.BytesBackward, duration, result.Error)
            {
                Priority = session.Priority,
                Target = target,
                DatagramsDropped = dropped,
            });
        }
        catch (Exception exception)
        {
            _log.ReportFailed(session.Id, session.Destination, exception);
        }
    }

    private async ValueTask<T> DispatchAsync<T>(Session session, Func<Session, CancellationToken, ValueTask<T>> dispatch)
    {
        // A session that is aborted meanwhile must not leave a dial behind, nor one that has ended undelivered once nobody is there.
        CancellationToken aborted = session.Aborted;
        CancellationToken gone = _gone.Token;
        using var timeout = new CancellationTokenSource(_options.DispatchTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted, gone, timeout.Token);
        try
        {
            return await dispatch(session, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !aborted.IsCancellationRequested
            && !gone.IsCancellationRequested)
        {
            throw new SessionException(
                ErrorCode.OperationTimeout, $"{session.Destination} was not reached within {_options.DispatchTimeout}.");
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    private async Task EndWithConnectionAsync()
    {
        await Completion.ConfigureAwait(false);
        _incoming?.TryComplete();
        await _gone.CancelAsync().ConfigureAwait(false);
    }
}
