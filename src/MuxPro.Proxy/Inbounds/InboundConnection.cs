using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>An application's connection once it is known what it wants: dispatches, carries, and reports how it ended.</summary>
internal sealed class InboundConnection(Application application, InboundOptions options, ILogger logger)
{
    private readonly Link _link = application.Link;

    public async Task TunnelAsync(TunnelRequest request, RoutedDispatcher dispatcher, CancellationToken stopping)
    {
        if (await TryDispatchAsync(request, dispatcher, stopping) is not { } dispatched)
        {
            return;
        }

        await using (dispatched)
        {
            await _link.AsStream().WriteAsync(request.Success, stopping);
            long early = request.Reader is { IsDone: false } reader ? await SendEarlyAsync(reader, dispatched.Link, stopping) : 0;
            Link link = LinkAfter(request);

            // Nothing of the handshake is kept while the connection may idle for days.
            request = null!;
            RelayResult result = await Relay.RunAsync(
                link, dispatched.Link, options.HalfCloseTimeout, options.TimeProvider, stopping);
            if (EndOf(dispatched.Link) is not (null or ErrorCode.GracefulShutdown))
            {
                // Only now, and only by a reset, can the application be told that there was no such target.
                _link.Abort();
            }

            await ConcludeAsync(dispatched, result.BytesForward + early, result.BytesBackward, isWhole: result.Error is null);
        }
    }

    /// <summary>SPEC 7.1: a connection to the special address is a main connection from here on.</summary>
    public async Task BecomeMainAsync(TunnelRequest request, RoutedDispatcher dispatcher, CancellationToken stopping)
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
        await mains.RunAsync(LinkAfter(request), new MainPeer(request.User, application.Source), dispatcher, stopping);
    }

    /// <summary>Says a last word and closes so that it arrives: a socket closed with bytes unread would send a reset instead.</summary>
    public Task SayAndCloseAsync(byte[] lastWord, CancellationToken stopping)
        => LastWord.SayAsync(_link, lastWord, options.TimeProvider, stopping);

    /// <summary>Sends on what the application sent without waiting for the answer.</summary>
    /// <returns>How many bytes.</returns>
    private static async Task<int> SendEarlyAsync(HandshakeReader reader, Link target, CancellationToken stopping)
    {
        int count = reader.Buffered.Length;
        if (count > 0)
        {
            await target.Output.WriteAsync(reader.Buffered, stopping);
            reader.Consume(count);
        }

        return count;
    }

    /// <summary>The application's link behind a request. A read that was begun before it may be under way still.</summary>
    private Link LinkAfter(TunnelRequest request)
        => request.Reader is { IsDone: false } reader ? new PrefixedLink(reader, _link) : _link;

    private async Task<Dispatched?> TryDispatchAsync(TunnelRequest request, RoutedDispatcher dispatcher, CancellationToken stopping)
    {
        try
        {
            return await dispatcher.DispatchAsync(request.Destination, Session.DefaultPriority, stopping);
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            logger.NotReached(request.Destination, TargetFailure.Explain(exception));
            await SayAndCloseAsync(request.Failure(exception), stopping);
            return null;
        }
    }

    /// <summary>
    /// Ends what was dispatched with what is known of it, and says so where it is only known now that its target was not reached.
    /// </summary>
    public ValueTask ConcludeAsync(Dispatched dispatched, long up, long down, bool isWhole)
    {
        ErrorCode code = EndOf(dispatched.Link) ?? (isWhole ? ErrorCode.GracefulShutdown : ErrorCode.RemoteDisconnect);
        if (code != ErrorCode.GracefulShutdown && down == 0 && dispatched.Link is Session { HasOpenResult: false })
        {
            // The code is all that comes over the wire.
            logger.NotReached(dispatched.Destination, $"{TargetFailure.Describe(code)}, {TargetFailure.NameOf(code)}");
        }

        return dispatched.EndAsync(up, down, code);
    }

    /// <summary>How a sub-connection ended, where it is one and has.</summary>
    public static ErrorCode? EndOf(Link session) => (session as Session)?.EndCode;
}
