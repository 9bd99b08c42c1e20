using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MuxPro.Protocol;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Socks;

/// <summary>
/// A flow through a SOCKS5 proxy (RFC 1928 7): it ends with the connection that asked for it. One receiver and one sender at a time.
/// </summary>
internal sealed class SocksDatagramLink : DatagramLink
{
    private readonly Link _control;
    private readonly DatagramLink _carrier;
    private readonly OneSource _proxy;
    private readonly RecentAddresses _sources = SocksAddress.NewRecentAddresses();
    private readonly Lock _gate = new();
    private volatile Exception? _failure;
    private int _isClosed;

    private SocksDatagramLink(Link control, DatagramLink carrier, Destination destination)
    {
        _control = control;
        _carrier = carrier;
        _proxy = new OneSource(carrier.Destination);
        Destination = destination;
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    public override long Dropped => base.Dropped + _carrier.Dropped;

    /// <param name="control">The connection that asked for it; owned from now on.</param>
    /// <param name="carrier">The flow to where the proxy takes datagrams; owned from now on.</param>
    /// <param name="destination">The first target.</param>
    public static SocksDatagramLink Start(Link control, DatagramLink carrier, Destination destination)
    {
        var link = new SocksDatagramLink(control, carrier, destination);
        _ = link.WatchAsync();
        return link;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            while (await _carrier.ReceiveAsync(cancellationToken) is { } datagram)
            {
                // Nobody but the proxy can put anything in.
                if (!_proxy.Admits(datagram.Address))
                {
                    continue;
                }

                int head = SocksDatagram.MeasureHead(datagram.Data.Span);
                if (head > 0 && _sources.Find(datagram.Data.Span[SocksDatagram.Prefix..head]) is { } source)
                {
                    return new Datagram(datagram.Data[head..], source);
                }

                CountDropped();
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException && Volatile.Read(ref _isClosed) != 0)
        {
            // It was closed here, which is said below.
        }

        return _failure is null ? null : throw Failed(_failure);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _isClosed) != 0)
        {
            throw _failure is null ? new ObjectDisposedException(nameof(SocksDatagramLink)) : Failed(_failure);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHead + data.Length);
        try
        {
            int head = SocksDatagram.WriteHead(address ?? Destination, buffer);
            data.CopyTo(buffer.AsMemory(head));
            if (head + data.Length <= MaxDatagram)
            {
                return await _carrier.SendAsync(buffer.AsMemory(0, head + data.Length), null, cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        CountDropped();
        return false;
    }

    public override void Abort(Exception? reason = null)
    {
        reason ??= new IOException("The flow was aborted.");
        if (TryClose(reason))
        {
            _carrier.Abort(reason);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (TryClose(null))
        {
            await _carrier.DisposeAsync();
        }
    }

    private bool TryClose(Exception? failure)
    {
        lock (_gate)
        {
            if (_isClosed != 0)
            {
                return false;
            }

            // Before it can be seen that it is closed.
            _failure = failure;
            Volatile.Write(ref _isClosed, 1);
        }

        _control.Abort();
        return true;
    }

    /// <summary>Waits for the end of the connection that asked for the flow; what the proxy says on it means nothing.</summary>
    private async Task WatchAsync()
    {
        byte[] nothing = new byte[64];
        try
        {
            while (await _control.AsStream().ReadAsync(nothing) > 0)
            {
            }

            await DisposeAsync();
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            Abort(exception);
        }
    }

    private SessionException Failed(Exception reason)
        => new(ErrorCode.RemoteDisconnect, $"The flow to {Destination} ended: {reason.Message}", reason);
}
