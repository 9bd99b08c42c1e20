using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Stands between a client and its server, to cut what goes through.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private ConcurrentBag<Socket> _sockets = [];
    private IPEndPoint? _target;

    private TcpRelay() => _listener.Start();

    public static Task<TcpRelay> StartAsync()
    {
        var relay = new TcpRelay();
        _ = relay.AcceptAsync();
        return Task.FromResult(relay);
    }

    /// <summary>The address to use instead of <paramref name="target"/>.</summary>
    public Destination Through(Destination target)
    {
        _target = new IPEndPoint(target.Address!, target.Port);
        return Destination.Tcp(IPAddress.Loopback, ((IPEndPoint)_listener.LocalEndpoint).Port);
    }

    /// <summary>Resets all that goes through now.</summary>
    public void CutAll()
    {
        // What is dialed because of the cut is not cut.
        foreach (Socket socket in Interlocked.Exchange(ref _sockets, []))
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        CutAll();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        ConcurrentBag<Socket> sockets = _sockets;
        sockets.Add(near);
        sockets.Add(far);
        try
        {
            await far.ConnectAsync(_target!);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut, or refused: the next one may get through.
            near.Dispose();
            far.Dispose();
            return;
        }

        _ = CopyAsync(near, far);
        _ = CopyAsync(far, near);
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        try
        {
            await using var source = new NetworkStream(from);
            await using var target = new NetworkStream(to);
            await source.CopyToAsync(target);
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
