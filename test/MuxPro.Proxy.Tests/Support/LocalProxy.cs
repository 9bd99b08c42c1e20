using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A SOCKS5 and HTTP proxy on a free port that reaches its targets straight away.</summary>
internal sealed class LocalProxy : Outbound
{
    private readonly DirectDispatcher _direct = new();
    private readonly SocketListener _listener;

    public LocalProxy(Users? users = null)
        : base("local", TimeProvider.System)
    {
        var routes = new OneOutbound(this, Log);
        var inbound = new ProxyInbound(routes.DispatcherOf, new InboundOptions { Users = users ?? Users.None, Sockets = Sockets }, Log);
        _listener = SocketListener.Start(new IPEndPoint(IPAddress.Loopback, 0), 100, inbound.ServeAsync, Sockets, Log, TimeProvider.System);
    }

    public LogCollector Log { get; } = new();

    public SocketBudget Sockets { get; } = new(1000);

    /// <summary>What was asked for last.</summary>
    public Destination? Asked { get; private set; }

    /// <summary>Refuses what is asked for, where it is set.</summary>
    public SessionException? Failure { get; set; }

    public IPEndPoint EndPoint => _listener.EndPoint;

    public string Name => _listener.EndPoint.ToString();

    public async Task<Link> ConnectAsync()
        => await Link.ConnectTcpAsync("127.0.0.1", EndPoint.Port, TestContext.Current.CancellationToken);

    public override ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
    {
        Asked = destination;
        return Failure is null ? _direct.DispatchAsync(destination, cancellationToken) : throw Failure;
    }

    public override ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        Asked = first;
        return _direct.DispatchDatagramsAsync(first, cancellationToken);
    }

    protected override async ValueTask CloseAsync()
    {
        await _listener.DisposeAsync();
        Log.AssertNothingUnexpected();
    }
}

/// <summary>A server for one connection whose other end is the test.</summary>
internal static class OneConnection
{
    public static async Task<(Link Client, Link Server)> MakeAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Link client = await Link.ConnectTcpAsync(
            "127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port, TestContext.Current.CancellationToken);
        return (client, Link.FromSocket(await listener.AcceptAsync(TestContext.Current.CancellationToken)));
    }
}
