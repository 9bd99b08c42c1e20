using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Inbounds;

/// <summary>An application's connection once it is known what it wants: dispatches, carries, and reports how it ended.</summary>
internal sealed class InboundConnection(Application application, InboundOptions options, ILogger logger)
{
    private readonly Link _link = application.Link;

    public async Task TunnelAsync(TunnelRequest request, IDispatcher dispatcher, CancellationToken stopping)
    {
        long started = options.TimeProvider.GetTimestamp();
        Link? session = await TryDispatchAsync(request, dispatcher, started, stopping);
        if (session is null)
        {
            return;
        }

        await using (session)
        {
            await _link.AsStream().WriteAsync(request.Success, stopping);
            long early = request.Early.Length;
            if (early > 0)
            {
                await session.Output.WriteAsync(request.Early, stopping);
            }

            // Nothing of the handshake is kept while the connection may idle for days.
            (Destination destination, string? user) = (request.Destination, request.User);
            request = null!;

            RelayResult result = await Relay.RunAsync(_link, session, stopping);
            if (EndOf(session) is not (null or ErrorCode.GracefulShutdown))
            {
                // Only now, and only by a reset, can the application be told that there was no such target.
                _link.Abort();
            }

            Report(destination, user, result.BytesForward + early, result.BytesBackward, dispatcher, started, session, isWhole: result.Error is null);
        }
    }

    /// <summary>SPEC 7.1: a connection to the special address is a main connection from here on.</summary>
    public async Task BecomeMainAsync(TunnelRequest request, IDispatcher dispatcher, CancellationToken stopping)
    {
        if (options is not { SpecialAddresses: SpecialAddresses.Served, MainConnections: { } mains })
        {
            var refusal = new SessionException(
                ErrorCode.ProxyRejected, $"inbound '{options.Tag}' takes no main connections ('allowMux' is false).");
            logger.NotReached(request.Destination, refusal.Message);
            await SayAndCloseAsync(request.Failure(refusal), stopping);
            return;
        }

        await _link.AsStream().WriteAsync(request.Success, stopping);
        Link link = request.Early.IsEmpty ? _link : Link.FromStream(new PrefixedStream(request.Early, _link.AsStream()));
        await mains.RunAsync(link, new MuxPeer(request.User, application.Source), dispatcher, stopping);
    }

    public async Task ForwardAsync(ForwardRequest request, IDispatcher dispatcher, CancellationToken stopping)
    {
        long started = options.TimeProvider.GetTimestamp();
        Link session;
        try
        {
            session = await dispatcher.DispatchAsync(request.Destination, stopping);
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            ReportNotReached(request, exception, dispatcher, started);
            throw ErrorReplies.ToHttpStatus(request.Destination, exception);
        }

        await using (session)
        {
            var forwarder = new HttpForwarder(request.Request, request.Reader, _link.AsStream(), session, options.TimeProvider);
            bool isWhole = false;
            try
            {
                await forwarder.RunAsync(stopping);
                isWhole = true;
                await SayAndCloseAsync([], stopping);
            }
            catch (IOException exception) when (!forwarder.HasAnswered && !stopping.IsCancellationRequested)
            {
                // The code tells more than the exception, whichever of the two ends noticed first.
                ErrorCode code = EndOf(session) is ErrorCode known and not ErrorCode.GracefulShutdown ? known
                    : exception is SessionException failed ? failed.ErrorCode : ErrorCode.RemoteDisconnect;
                throw ErrorReplies.ToHttpStatus(
                    request.Destination,
                    new SessionException(code, exception.Message, exception) { Detail = (exception as SessionException)?.Detail ?? FailureDetail.None });
            }
            finally
            {
                Report(request.Destination, request.User, forwarder.Up, forwarder.Down, dispatcher, started, session, isWhole);
            }
        }
    }

    /// <summary>Says a last word and closes so that it arrives: a socket closed with bytes unread would send a reset instead.</summary>
    public Task SayAndCloseAsync(byte[] lastWord, CancellationToken stopping) => LastWord.SayAsync(_link, lastWord, options.TimeProvider, stopping);

    private async Task<Link?> TryDispatchAsync(TunnelRequest request, IDispatcher dispatcher, long started, CancellationToken stopping)
    {
        try
        {
            return await dispatcher.DispatchAsync(request.Destination, stopping);
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            ReportNotReached(request, exception, dispatcher, started);
            await SayAndCloseAsync(request.Failure(exception), stopping);
            return null;
        }
    }

    private void ReportNotReached(InboundRequest request, Exception exception, IDispatcher dispatcher, long started)
    {
        (string reason, string end) = exception is SessionException { ErrorCode: var code } && options.Reasons?.Find(request.Destination) is { } known
            ? ($"{known}, {ErrorReplies.Name(code)}", ErrorReplies.Name(code))
            : (TargetFailure.Explain(exception), exception is SessionException session ? ErrorReplies.Name(session.ErrorCode) : "no main connection");
        logger.NotReached(request.Destination, reason);
        ReportAccess(request.Destination, request.User, dispatcher, 0, 0, started, end);
    }

    private void Report(Destination destination, string? user, long up, long down, IDispatcher dispatcher, long started, Link session, bool isWhole)
    {
        ErrorCode code = EndOf(session) ?? (isWhole ? ErrorCode.GracefulShutdown : ErrorCode.RemoteDisconnect);
        if (code != ErrorCode.GracefulShutdown && down == 0 && session is Session { HasOpenResult: false })
        {
            // The code is all that comes over the wire.
            logger.NotReached(destination, $"{options.Reasons?.Find(destination) ?? TargetFailure.Describe(code)}, {ErrorReplies.Name(code)}");
        }

        ReportAccess(destination, user, dispatcher, up, down, started, ErrorReplies.Name(code));
    }

    private void ReportAccess(Destination destination, string? user, IDispatcher dispatcher, long up, long down, long started, string end)
    {
        string? outbound = (dispatcher as IRoutes)?.End(destination);
        var milliseconds = (long)options.TimeProvider.GetElapsedTime(started).TotalMilliseconds;
        if (options.AccessLog is { } access)
        {
            access.Write(new SessionSource(options.Tag, user, application.Source), destination, outbound, up, down, milliseconds, end);
        }
        else
        {
            logger.Access(application.Source, user ?? "-", destination, up, down, milliseconds, end);
        }
    }

    private static ErrorCode? EndOf(Link session) => (session as Session)?.EndCode;
}
