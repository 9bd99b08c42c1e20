using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// An application's connection that carries plain HTTP requests, one after the other, each to its own origin. The connection to the last
/// origin is kept for a request that would take the same way.
/// </summary>
/// <param name="application">The connection.</param>
/// <param name="reader">Reads it.</param>
/// <param name="reports">Gets how connections to origins ended.</param>
/// <param name="dispatcherOf">Reaches origins for one who asks.</param>
/// <param name="options">Settings.</param>
/// <param name="logger">Gets what the application is told.</param>
internal sealed class HttpProxyConnection(
    Application application, HandshakeReader reader, InboundConnection reports, Func<SessionSource, RoutedDispatcher> dispatcherOf,
    InboundOptions options, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource _patience = new(Timeout.InfiniteTimeSpan, options.TimeProvider);
    private HttpOrigin? _origin;
    private HttpWay? _way;
    private bool _isOver;

    /// <summary>Serves requests until the connection ends, or goes on with something else.</summary>
    /// <returns>What it goes on with, or <see langword="null"/> where it has ended.</returns>
    /// <exception cref="TimeoutException">The head of a request took too long.</exception>
    /// <exception cref="IOException">The application went away, or has to be told that the origin did.</exception>
    public async Task<InboundRequest?> RunAsync(ForwardRequest first, CancellationToken stopping)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(_patience.Token, stopping);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(reading.Token, options.Retiring);
        try
        {
            InboundRequest? request = first;
            while (request is ForwardRequest plain)
            {
                request = await ForwardAsync(plain, stopping) ? await NextAsync(waiting.Token, reading.Token) : null;
            }

            if (request is not null)
            {
                return request;
            }

            stopping.ThrowIfCancellationRequested();
            if (!_isOver)
            {
                await CloseAsync([], stopping);
            }
        }
        catch (HttpStatusException exception)
        {
            logger.Answered(application.Source, exception.Status, exception.Message);
            await CloseAsync(HttpReply.Error(exception), stopping);
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await EndOriginAsync();
        _patience.Dispose();
    }

    /// <returns>The next request, or <see langword="null"/> where none comes.</returns>
    private async ValueTask<InboundRequest?> NextAsync(CancellationToken waiting, CancellationToken reading)
    {
        _patience.CancelAfter(IdleTimeout);
        if (!await WaitAsync(waiting))
        {
            return null;
        }

        try
        {
            _patience.CancelAfter(options.HandshakeTimeout);
            return await InboundRequest.ReadHttpAsync(reader, options.Users, reading);
        }
        catch (OperationCanceledException exception) when (_patience.IsCancellationRequested)
        {
            throw new TimeoutException("The head of a request took too long.", exception);
        }
        finally
        {
            _patience.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    /// <returns>Whether the first byte of a request has come; otherwise the application is done, or the wait is over.</returns>
    private async ValueTask<bool> WaitAsync(CancellationToken over)
    {
        reader.Shrink();
        while (true)
        {
            // RFC 9112 2.2: old applications send a line break too much behind a body.
            while (!reader.Buffered.IsEmpty && reader.Buffered.Span[0] is (byte)'\r' or (byte)'\n')
            {
                reader.Consume(1);
            }

            if (!reader.Buffered.IsEmpty)
            {
                return true;
            }

            if (await reader.WatchAsync(over) is not true)
            {
                return false;
            }
        }
    }

    /// <returns>Whether the application's connection can carry another request.</returns>
    private async Task<bool> ForwardAsync(ForwardRequest request, CancellationToken stopping)
    {
        bool isKept = await TryResumeAsync(request);
        while (true)
        {
            if (!isKept)
            {
                await ConnectAsync(request, stopping);
            }

            HttpOrigin origin = _origin!;
            origin.IsWhole = false;
            var forwarder = new HttpForwarder(request.Request, reader, application.Link, origin, options.Retiring);
            try
            {
                await forwarder.RunAsync(stopping);
                origin.IsWhole = true;
                _isOver = forwarder.IsOver;
            }
            catch (IOException) when (isKept && !forwarder.HasHeard && !stopping.IsCancellationRequested)
            {
                // RFC 9112 9.3.1: the origin may have ended the connection while the request was on its way.
                await EndOriginAsync();
                isKept = false;
                continue;
            }
            catch (IOException exception) when (!forwarder.HasAnswered && !stopping.IsCancellationRequested)
            {
                HttpStatusException status = ToHttpStatus(request.Destination, origin.Link, exception);
                await EndOriginAsync();
                throw status;
            }
            catch (Exception exception) when (
                exception is EndOfStreamException or FormatException && forwarder is { HasAnswered: true, ShowsCut: true })
            {
                // What came before the cut arrives, and the end of the connection shows that it is not all. A reset would overtake it.
                return false;
            }

            if (forwarder.KeepsOrigin)
            {
                origin.Rest();
            }
            else
            {
                await EndOriginAsync();
            }

            return forwarder.KeepsApplication;
        }
    }

    /// <summary>A request that must not be sent twice takes a connection that the origin cannot have ended yet.</summary>
    private async ValueTask<bool> TryResumeAsync(ForwardRequest request)
    {
        if (_origin is null)
        {
            return false;
        }

        if (await _origin.TryResumeAsync() && request.Request.IsRepeatable && _way!.IsFor(request))
        {
            return true;
        }

        await EndOriginAsync();
        return false;
    }

    private async ValueTask ConnectAsync(ForwardRequest request, CancellationToken stopping)
    {
        RoutedDispatcher dispatcher = dispatcherOf(new SessionSource(options.Tag, request.User, application.Source));
        var way = new HttpWay(request.Destination, request.User, dispatcher);
        Dispatched dispatched;
        try
        {
            dispatched = await dispatcher.DispatchAsync(request.Destination, Session.DefaultPriority, stopping);
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            logger.NotReached(request.Destination, TargetFailure.Explain(exception));
            throw HttpErrors.Of(request.Destination, exception);
        }

        _way = way;
        _origin = new HttpOrigin(
            dispatched.Link, options.TimeProvider, ended => reports.ConcludeAsync(dispatched, ended.Up, ended.Down, ended.IsWhole));
    }

    private async ValueTask EndOriginAsync()
    {
        if (_origin is { } origin)
        {
            _origin = null;
            await origin.DisposeAsync();
        }
    }

    private Task CloseAsync(byte[] lastWord, CancellationToken stopping)
        => LastWord.SayAsync(application.Link, reader, lastWord, options.TimeProvider, stopping);

    private static HttpStatusException ToHttpStatus(Destination destination, Link link, IOException exception)
    {
        // The code tells more than the exception, whichever of the two ends noticed first.
        ErrorCode code = InboundConnection.EndOf(link) is ErrorCode known and not ErrorCode.GracefulShutdown ? known
            : exception is SessionException failed ? failed.ErrorCode : ErrorCode.RemoteDisconnect;
        FailureDetail detail = (exception as SessionException)?.Detail ?? FailureDetail.None;
        return HttpErrors.Of(destination, new SessionException(code, exception.Message, exception) { Detail = detail });
    }

    /// <summary>What decided where a connection went.</summary>
    private sealed class HttpWay(Destination destination, string? user, RoutedDispatcher dispatcher)
    {
        private readonly Snapshot _rules = dispatcher.Rules;

        /// <summary>Whether a request would go there too.</summary>
        public bool IsFor(ForwardRequest request)
            => request.Destination.Equals(destination) && request.User == user && ReferenceEquals(_rules, dispatcher.Rules);
    }
}
