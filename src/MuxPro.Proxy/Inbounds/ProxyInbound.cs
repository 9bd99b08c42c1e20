using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// One port for SOCKS5 and HTTP: learns where a connection wants to go, dispatches, and only then says success. Versions 0.0 and 0.1 have
/// no answer to a successful open, so "success" means there that the request is on its way; a target that cannot be reached shows as a
/// reset.
/// </summary>
internal sealed class ProxyInbound(Func<SessionSource, RoutedDispatcher> dispatcherOf, InboundOptions options, ILogger logger)
{
    private const byte TlsHandshake = 0x16;
    private const int MaxEmptyLines = 16; // bytes

    private static readonly TimeSpan WarningInterval = TimeSpan.FromMinutes(1);

    // Each kind of mistake is said by itself: one must not hide the others.
    private readonly WarningLimit _socks4 = new(options.TimeProvider, WarningInterval);
    private readonly WarningLimit _tls = new(options.TimeProvider, WarningInterval);
    private readonly WarningLimit _strangers = new(options.TimeProvider, WarningInterval);
    private readonly WarningLimit _refusals = new(options.TimeProvider, WarningInterval);

    public Task ServeAsync(Socket socket, CancellationToken stopping) => ServeAsync(Application.Of(socket), stopping);

    /// <summary>Serves a connection to its end.</summary>
    public async Task ServeAsync(Application application, CancellationToken stopping)
    {
        await using Link link = application.Link;
        var connection = new InboundConnection(application, options, logger);
        try
        {
            if (await LearnAsync(application, connection, stopping) is not { } request)
            {
                return;
            }

            RoutedDispatcher dispatcher = dispatcherOf(new SessionSource(options.Tag, request.User, application.Source));
            await (request switch
            {
                TunnelRequest { Destination: { IsMuxPro: true } or { IsMuxCool: true } } tunnel
                    when options.SpecialAddresses != SpecialAddresses.Forwarded
                    => connection.BecomeMainAsync(tunnel, dispatcher, stopping),
                TunnelRequest tunnel => connection.TunnelAsync(tunnel, dispatcher, stopping),
                AssociateRequest associate => SocksAssociation.ServeAsync(associate, application, dispatcher, options, logger, stopping),
                _ => throw new InvalidOperationException("There is no other request."),
            });
        }
        catch (HttpStatusException exception)
        {
            logger.Answered(application.Source, exception.Status, exception.Message);
            await connection.SayAndCloseAsync(HttpReply.Error(exception), stopping);
        }
        catch (HandshakeException exception)
        {
            LogLevel level = (exception.Warning ?? _refusals).Next();
            logger.Refused(level, application.Source, exception.Message);
            await connection.SayAndCloseAsync([], stopping);
        }
        catch (TimeoutException)
        {
            logger.HandshakeTimedOut(application.Source, options.HandshakeTimeout.TotalSeconds);
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            logger.WentAway(application.Source, exception.Message);
            link.Abort(exception);
        }
    }

    /// <summary>Learns what the connection is for; plain HTTP requests are carried meanwhile.</summary>
    /// <remarks>A method of its own, so that nothing of it is kept while the connection may idle for days.</remarks>
    /// <returns>What it goes on with, or <see langword="null"/> where it has ended.</returns>
    private async Task<InboundRequest?> LearnAsync(Application application, InboundConnection connection, CancellationToken stopping)
    {
        InboundRequest request = await LearnAsync(application.Link, stopping);
        if (request is not ForwardRequest plain)
        {
            return request;
        }

        await using var requests = new HttpProxyConnection(application, plain.Reader, connection, dispatcherOf, options, logger);
        return await requests.RunAsync(plain, stopping);
    }

    private async Task<InboundRequest> LearnAsync(Link link, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(options.HandshakeTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            return await LearnAsync(link.AsStream(), either.Token);
        }
        catch (OperationCanceledException exception) when (!stopping.IsCancellationRequested)
        {
            throw new TimeoutException("The handshake took too long.", exception);
        }
    }

    private async Task<InboundRequest> LearnAsync(Stream stream, CancellationToken cancellationToken)
    {
        var reader = new HandshakeReader(stream);
        switch (await FirstByteAsync(reader, cancellationToken))
        {
            case SocksHandshake.Version5 when options.Speaks.HasFlag(InboundProtocols.Socks):
                (Destination destination, string? name) =
                    await SocksHandshake.ReadRequestAsync(reader, stream, options.Users, cancellationToken);
                if (destination.Network == Network.Udp && !options.CarriesDatagrams)
                {
                    await stream.WriteAsync(SocksHandshake.Reply(SocksHandshake.CommandNotSupported), cancellationToken);
                    throw new HandshakeException("UDP is not carried here ('udp' is false)");
                }

                return destination.Network == Network.Udp
                    ? new AssociateRequest(destination, name)
                    : new TunnelRequest(
                        destination, name, reader, SocksHandshake.Success(),
                        exception => SocksHandshake.Reply(SocksReplies.Of(exception)));

            case SocksHandshake.Version4:
                await stream.WriteAsync(SocksHandshake.RejectedVersion4(), cancellationToken);
                throw new HandshakeException("SOCKS4 is not served here, SOCKS5 is") { Warning = _socks4 };

            case TlsHandshake:
                throw new HandshakeException($"it speaks TLS, and this port is {PortName} without TLS") { Warning = _tls };

            case byte first when !char.IsAsciiLetter((char)first) || !options.Speaks.HasFlag(InboundProtocols.Http):
                throw new HandshakeException(options.Speaks switch
                {
                    InboundProtocols.Socks => "not SOCKS5",
                    InboundProtocols.Http => "not HTTP",
                    _ => "neither SOCKS5 nor HTTP",
                })
                { Warning = _strangers };

            default:
                return await InboundRequest.ReadHttpAsync(reader, options.Users, cancellationToken);
        }
    }

    private string PortName => options.Speaks switch
    {
        InboundProtocols.Socks => "SOCKS5",
        InboundProtocols.Http => "HTTP",
        _ => "SOCKS5 and HTTP",
    };

    /// <summary>The first byte that is one of a protocol: RFC 9112 2.2 has empty lines before a request skipped.</summary>
    private async ValueTask<byte> FirstByteAsync(HandshakeReader reader, CancellationToken cancellationToken)
    {
        byte first = await reader.PeekAsync(cancellationToken);
        for (int i = 0; i < MaxEmptyLines && options.Speaks.HasFlag(InboundProtocols.Http) && (first is (byte)'\r' or (byte)'\n'); i++)
        {
            reader.Consume(1);
            first = await reader.PeekAsync(cancellationToken);
        }

        return first;
    }
}
