using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;

namespace MuxPro.Proxy.Inbounds;

/// <summary>
/// A SOCKS5 UDP association (RFC 1928 7): datagrams of one socket of one application. It ends with the TCP connection that asked for it,
/// or when it idles, and the connection ends with it.
/// </summary>
internal sealed class SocksAssociation : IAsyncDisposable
{
    private readonly AssociationSocket _socket;
    private readonly RoutedDispatcher _dispatcher;
    private readonly DatagramCounts _counts = new();
    private readonly InboundOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ending;
    private readonly EndPoint? _source;
    private readonly string _user;
    private readonly long _started;
    private string? _end;
    private long _refused;
    private bool _hasWarned;

    // Opened by the first datagram, which tells the application's socket and so the GlobalID.
    private DatagramLink? _flow;
    private Task _answering = Task.CompletedTask;
    private long _lastUsed;

    private SocksAssociation(
        AssociationSocket socket, EndPoint? source, string user, RoutedDispatcher dispatcher, InboundOptions options, ILogger logger,
        CancellationToken stopping)
    {
        _socket = socket;
        _source = source;
        _user = user;
        _options = options;
        _logger = logger;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _started = _lastUsed = options.TimeProvider.GetTimestamp();
        _dispatcher = dispatcher;
    }

    /// <summary>Serves an association to its end.</summary>
    /// <exception cref="HandshakeException">There is none to be had; the application has been told.</exception>
    public static async Task ServeAsync(
        AssociateRequest request, Application application, RoutedDispatcher dispatcher, InboundOptions options, ILogger logger,
        CancellationToken stopping)
    {
        Stream stream = application.Link.AsStream();
        AssociationSocket socket = await BindAsync(request, stream, application, options, stopping);
        await using var association = new SocksAssociation(
            socket, application.Source, request.User ?? "-", dispatcher, options, logger, stopping);
        var told = new IPEndPoint(options.AssociationAddress ?? socket.EndPoint.Address, socket.EndPoint.Port);
        await stream.WriteAsync(SocksHandshake.Associated(told), stopping);
        await association.RunAsync(stream);
    }

    /// <summary>Ends what is left, and says how it was.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_flow is not null)
        {
            // In this order: the flow's answer may be on its way to the application.
            await _answering;
            await _flow.DisposeAsync();
        }

        Report();
        _socket.Dispose();
        _ending.Dispose();
    }

    private static async Task<AssociationSocket> BindAsync(
        AssociateRequest request, Stream answers, Application application, InboundOptions options, CancellationToken stopping)
    {
        // Who comes over a Unix domain socket is on this machine.
        IPAddress local = (application.Local as IPEndPoint)?.Address ?? IPAddress.Loopback;
        IPAddress peer = (application.Source as IPEndPoint)?.Address ?? IPAddress.Loopback;
        (byte reply, string reason) = (SocksReplies.NotAllowed, $"it asks for datagrams from {request.From.Host}, and they have to come "
            + "from where it comes from ('udpStrict' is true)");
        bool isOwn = request.From.Address is { } named
            && (named.Equals(IPAddress.Any) || named.Equals(IPAddress.IPv6Any) || named.Equals(peer));
        if (isOwn || !options.IsStrictAboutSource)
        {
            try
            {
                // RFC 1928 7: what is named may limit who sends. Behind NAT, and where a client names its target, neither the address nor
                // the port is what arrives here; the port is held to with the address that is right alone.
                return AssociationSocket.Bind(local, peer, isOwn ? request.From.Port : 0, options.Sockets);
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                (reply, reason) = (SocksReplies.GeneralFailure, $"no UDP socket for it: {exception.Message.TrimEnd('.')}");
            }
        }

        await answers.WriteAsync(SocksHandshake.Reply(reply), stopping);
        throw new HandshakeException(reason);
    }

    private async Task RunAsync(Stream connection)
    {
        Task watch = WatchAsync(connection);
        try
        {
            TimeSpan timeout = _options.DatagramTimeout;
            await using ITimer timer = _options.TimeProvider.CreateTimer(_ => EndIfIdle(), null, timeout, timeout / 8);
            await ForwardAsync();
        }
        finally
        {
            End("failed");
            await watch;
        }
    }

    /// <summary>Takes datagrams until the association ends.</summary>
    private async Task ForwardAsync()
    {
        var destinations = SocksAddress.NewRecentAddresses();
        try
        {
            while (true)
            {
                ReadOnlyMemory<byte> datagram = await _socket.ReceiveAsync(_ending.Token);
                Use();
                int head = SocksDatagram.MeasureHead(datagram.Span);
                if (head == 0 || destinations.Find(datagram.Span[SocksDatagram.Prefix..head]) is not { Port: > 0 } destination)
                {
                    _refused++;
                    continue;
                }

                await SendAsync(datagram[head..], destination);
            }
        }
        catch (OperationCanceledException)
        {
            // It ends.
        }
        catch (SocketException exception)
        {
            End($"the socket failed: {exception.Message}");
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> data, Destination destination)
    {
        if (_flow is null)
        {
            _flow = _dispatcher.OpenFlow(
                destination, new DatagramOptions { GlobalId = _options.FlowIds.Of(_socket.Source!) }, OnNotReached);
            _answering = Task.Run(() => AnswerAsync(_flow));
        }

        if (await _flow.SendAsync(data, destination, _ending.Token))
        {
            _counts.AddUp(data.Length);
        }
    }

    /// <summary>Hands answers on until the flow ends.</summary>
    private async Task AnswerAsync(DatagramLink flow)
    {
        try
        {
            while (await flow.ReceiveAsync(_ending.Token) is { } datagram)
            {
                Use();
                if (await _socket.SendAsync(datagram, CancellationToken.None))
                {
                    _counts.AddDown(datagram.Data.Length);
                }
                else
                {
                    _counts.AddDropped();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The association ends.
        }
    }

    /// <summary>Said once per association: a datagram is cheap to send again.</summary>
    private void OnNotReached(Destination destination, Exception exception)
    {
        if (!Interlocked.Exchange(ref _hasWarned, true))
        {
            _logger.NotReached(destination, TargetFailure.Explain(exception));
        }
    }

    /// <summary>Waits until the application closes the connection; what it says on it means nothing.</summary>
    private async Task WatchAsync(Stream connection)
    {
        byte[] nothing = new byte[64];
        try
        {
            while (await connection.ReadAsync(nothing, _ending.Token) > 0)
            {
            }
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Gone, too.
        }

        End("closed by the application");
    }

    private void Use() => Volatile.Write(ref _lastUsed, _options.TimeProvider.GetTimestamp());

    private void EndIfIdle()
    {
        if (_options.TimeProvider.GetElapsedTime(Volatile.Read(ref _lastUsed)) >= _options.DatagramTimeout)
        {
            End($"idle for {_options.DatagramTimeout.TotalSeconds} s");
        }
    }

    private void End(string reason)
    {
        Interlocked.CompareExchange(ref _end, _ending.IsCancellationRequested ? "stopped" : reason, null);
        _ending.Cancel();
    }

    private void Report() => _logger.AssociationEnded(
        _source, _user, _socket.EndPoint, _counts.Up, _counts.UpBytes, _counts.Down, _counts.DownBytes,
        _counts.Dropped + (_flow?.Dropped ?? 0) + _socket.DroppedByKernel, _refused + _socket.Foreign,
        (long)_options.TimeProvider.GetElapsedTime(_started).TotalMilliseconds, _end ?? "not begun");
}
