using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A listener whose connections come in by a transport, and those that dial it.</summary>
internal sealed class TransportPair : IAsyncDisposable
{
    private const int FilesKept = 66;

    private readonly Channel<InboundTransportConnection> _accepted = Channel.CreateUnbounded<InboundTransportConnection>();
    private readonly List<IAsyncDisposable> _open = [];
    private readonly SocketListener _listener;
    private readonly bool _isForMainConnections;

    public TransportPair(
        StreamConfiguration server, bool isForMainConnections = false, bool asksForKey = false, TimeProvider? time = null,
        string? path = null)
    {
        _isForMainConnections = isForMainConnections;
        var transport = new InboundTransport(
            server, isForMainConnections, asksForKey, TimeSpan.FromSeconds(30), new KeyStore(), time ?? TimeProvider.System, Log);
        EndPoint endPoint = path is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(path);
        _listener = SocketListener.Start(endPoint, 100, ServeAsync, Sockets, Log, TimeProvider.System);

        async Task ServeAsync(Socket socket, CancellationToken stopping)
        {
            // The listener closes the socket as soon as it is not served any more.
            if (await transport.AcceptAsync(socket, stopping) is { } connection)
            {
                Socket = socket;
                _accepted.Writer.TryWrite(connection);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopping).ConfigureAwait(
                    ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public LogCollector Log { get; } = new();

    public LogCollector ClientLog { get; } = new();

    public SocketBudget Sockets { get; } = new(1000);

    /// <summary>The last one that came in.</summary>
    public Socket? Socket { get; private set; }

    public IPEndPoint EndPoint => _listener.EndPoint;

    public OutboundTransport Client(
        StreamConfiguration client, Func<Destination, byte, CancellationToken, ValueTask<Link>>? through = null, TimeProvider? time = null)
    {
        bool isUnix = _listener.Local is UnixDomainSocketEndPoint;
        return new OutboundTransport(
            new OutboundConfiguration { Settings = new BlockOutboundSettings(), StreamSettings = client },
            new ServerConfiguration
            {
                Address = isUnix ? _listener.Local.ToString()! : "127.0.0.1",
                Port = isUnix ? null : _listener.EndPoint.Port,
            },
            _isForMainConnections ? MuxProtocolName.MuxPro : null, through,
            new OutboundContext
            {
                TimeProvider = time ?? TimeProvider.System,
                LoggerFactory = ClientLog,
                Sockets = Sockets,
                ConnectTimeout = TimeSpan.FromSeconds(30),
                Keys = new KeyStore(),
                MuxOptions = new MuxOptions(),
            });
    }

    public async Task<(Link Client, InboundTransportConnection Server)> ConnectAsync(OutboundTransport client)
    {
        Link link = await client.DialAsync(Session.DefaultPriority, Cancel);
        _open.Add(link);
        return (link, await AcceptedAsync());
    }

    public async Task<InboundTransportConnection> AcceptedAsync()
    {
        InboundTransportConnection connection = await _accepted.Reader.ReadAsync(Cancel);
        _open.Add(connection.Link);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable one in _open)
        {
            ((Link)one).Abort();
        }

        await _listener.DisposeAsync();
        Assert.DoesNotContain(Log.Entries, static entry => entry.Level >= LogLevel.Error && entry.Id != FilesKept);
    }
}
