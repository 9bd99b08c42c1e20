using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// Accepts connections and has each served. The sockets go on as they are: a half-closed one stays half open, a reset is passed on,
/// and nobody copies between them and the engine.
/// </summary>
internal sealed class SocketListener : IAsyncDisposable
{
    private const int Backlog = 512;
    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LimitWarningInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MessageInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly UnixSocketPath? _path;
    private int _maxConnections;
    private volatile Func<Socket, CancellationToken, Task> _serve;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly WarningLimit _limitWarnings;
    private readonly SocketBudget _sockets;
    private readonly RareMessage _acceptFailures;
    private readonly RareMessage _refusals;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1; // The accept loop counts as one, while it runs.
    private volatile bool _isAccepting = true;
    private int _disposed;

    private SocketListener(
        Socket socket, UnixSocketPath? path, int maxConnections, Func<Socket, CancellationToken, Task> serve, SocketBudget sockets,
        ILogger logger, TimeProvider time)
    {
        _path = path;
        _sockets = sockets;
        _acceptFailures = new RareMessage(time, MessageInterval);
        _refusals = new RareMessage(time, MessageInterval);
        _socket = socket;
        _maxConnections = maxConnections;
        _serve = serve;
        _logger = logger;
        _time = time;
        _limitWarnings = new WarningLimit(time, LimitWarningInterval);
        Local = socket.LocalEndPoint!;
    }

    /// <summary>Where it listens.</summary>
    public EndPoint Local { get; }

    /// <summary>Where it listens; of one for TCP.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)Local;

    /// <summary>How many connections are being served.</summary>
    public int OpenConnections
    {
        get
        {
            // In this order: the accept loop says that it is done before it is not counted any more.
            int open = Volatile.Read(ref _open);
            return open - (_isAccepting ? 1 : 0);
        }
    }

    /// <summary>Has those that come from now on served otherwise.</summary>
    /// <param name="serve">Serves a connection to its end and owns the socket.</param>
    /// <param name="maxConnections">Most connections at once.</param>
    public void Serve(Func<Socket, CancellationToken, Task> serve, int maxConnections)
    {
        _serve = serve;
        Volatile.Write(ref _maxConnections, maxConnections);
    }

    /// <param name="endPoint">Where to listen: an address whose port 0 takes a free one, or a path.</param>
    /// <param name="maxConnections">Most connections at once; more are closed as they come.</param>
    /// <param name="serve">Serves a connection to its end and owns the socket. The token says that the listener stops.</param>
    /// <param name="sockets">Most sockets at once; connections that find no place are closed as they come.</param>
    /// <param name="logger">For what happens to connections that are not served.</param>
    /// <param name="time">The clock of the pause after a failed accept.</param>
    /// <exception cref="SocketException">The address is in use, or is none of this machine.</exception>
    public static SocketListener Start(
        EndPoint endPoint, int maxConnections, Func<Socket, CancellationToken, Task> serve, SocketBudget sockets, ILogger logger,
        TimeProvider time)
    {
        UnixSocketPath? path = endPoint is UnixDomainSocketEndPoint unix ? UnixSocketPath.Take(unix) : null;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, path is null ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            if (endPoint is IPEndPoint { Address: var address } && address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endPoint);
            path?.Protect();
            socket.Listen(Backlog);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var listener = new SocketListener(socket, path, maxConnections, serve, sockets, logger, time);
        logger.Listening(listener.Local);
        _ = listener.AcceptLoopAsync();
        return listener;
    }

    /// <summary>Takes no connection any more; those that are served go on.</summary>
    public async Task StopAcceptingAsync()
    {
        await _closing.CancelAsync();
        _socket.Dispose();
        _path?.Remove();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync();
        await StopAcceptingAsync();
        try
        {
            await _drained.Task.WaitAsync(StopTimeout);
        }
        catch (TimeoutException)
        {
            _logger.StoppedEarly(OpenConnections, Local);
        }
    }

    private async Task AcceptLoopAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _socket.AcceptAsync(_closing.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                break;
            }
            catch (SocketException exception)
            {
                // The peer is gone already, or this process has no file descriptors left: neither is for ever.
                if (!_closing.IsCancellationRequested)
                {
                    if (_acceptFailures.TryPass(out int more))
                    {
                        string reason = more == 0 ? exception.Message : $"{exception.Message} ({more} more times since this was said)";
                        _logger.AcceptFailed(Local, reason);
                    }

                    await Task.Delay(AcceptRetryDelay, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                continue;
            }

            if (!_sockets.TryEnter())
            {
                // Said before it is closed: who sees that finds it in the log.
                if (_refusals.TryPass(out int others))
                {
                    _logger.NoSocketsLeft(Local, _sockets.Limit, others);
                }

                socket.Dispose();
                continue;
            }

            if (Interlocked.Increment(ref _open) > Volatile.Read(ref _maxConnections) + 1)
            {
                LogLevel level = _limitWarnings.Next();
                EndPoint? source = Addresses.RemoteOf(socket);
                _logger.TooManyConnections(level, source, _maxConnections, Local);
                socket.Dispose();
                _sockets.Leave();
                Leave();
                continue;
            }

            _ = Task.Run(() => ServeAsync(socket));
        }

        _isAccepting = false;
        Leave();
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            using (socket)
            {
                await _serve(socket, _stopping.Token);
            }
        }
        catch (Exception exception)
        {
            // Whoever serves handles what can happen; what comes here must not take the others down.
            _logger.ConnectionFailed(Local, exception);
        }
        finally
        {
            _sockets.Leave();
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _drained.TrySetResult();
        }
    }
}
