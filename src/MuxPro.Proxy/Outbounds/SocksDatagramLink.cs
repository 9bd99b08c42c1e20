using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;
using MuxPro.Wire;

namespace MuxPro.Proxy.Outbounds;

/// <summary>A flow through a SOCKS5 proxy (RFC 1928 7): it ends with the connection that asked for it. One receiver and one sender at a time.</summary>
internal sealed class SocksDatagramLink : DatagramLink
{
    private const int KernelBuffer = 1024 * 1024;

    private readonly Link _control;
    private readonly Socket _socket;
    private readonly RecentAddresses _sources = SocksAddress.NewRecentAddresses();
    private readonly byte[] _probe = new byte[1];
    private readonly Lock _gate = new();
    private byte[]? _buffer; // the receiver's
    private volatile Exception? _failure;
    private int _isClosed;

    private SocksDatagramLink(Link control, Socket socket, Destination destination)
    {
        _control = control;
        _socket = socket;
        Destination = destination;
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    /// <param name="control">The connection that asked for it; owned from now on.</param>
    /// <param name="relay">Where the proxy takes datagrams.</param>
    /// <param name="destination">The first target.</param>
    /// <param name="sockets">Most sockets at once.</param>
    /// <exception cref="SessionException">No place is free.</exception>
    /// <exception cref="SocketException">There is no way to the proxy.</exception>
    public static SocksDatagramLink Start(Link control, IPEndPoint relay, Destination destination, SocketBudget sockets)
    {
        Socket socket = CountedSocket.ForDatagrams(relay.AddressFamily, sockets);
        try
        {
            socket.Blocking = false; // nobody waits for room
            socket.ReceiveBufferSize = KernelBuffer;
            socket.SendBufferSize = KernelBuffer;

            // Connected: nobody but the proxy can put anything in.
            socket.Connect(relay);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var link = new SocksDatagramLink(control, socket, destination);
        _ = link.WatchAsync();
        return link;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // An idle flow holds no memory: the datagram is looked at where it is, and taken only then. So a cancelled receive takes none, too.
                if (_socket.Available == 0)
                {
                    ReturnBuffer();
                    await _socket.ReceiveAsync(_probe, SocketFlags.Peek, cancellationToken);
                }

                _buffer ??= ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxLength);
                int length = _socket.Receive(_buffer);
                int head = SocksDatagram.MeasureHead(_buffer.AsSpan(0, length));
                if (head > 0 && _sources.Find(_buffer.AsSpan(SocksDatagram.Prefix, head - SocksDatagram.Prefix)) is { } source)
                {
                    return new Datagram(_buffer.AsMemory(head, length - head), source);
                }

                CountDropped();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                if (Volatile.Read(ref _isClosed) != 0)
                {
                    return _failure is null ? null : throw Failed(_failure);
                }

                // An earlier datagram found nobody there, or no way: the connection that asked for the flow says when the proxy is gone.
                if (exception is not SocketException)
                {
                    throw Failed(exception);
                }
            }
        }
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _isClosed) != 0)
        {
            return ValueTask.FromException<bool>(_failure is null ? new ObjectDisposedException(nameof(SocksDatagramLink)) : Failed(_failure));
        }

        bool isTaken = TrySend(data.Span, address ?? Destination);
        if (!isTaken)
        {
            CountDropped();
        }

        return ValueTask.FromResult(isTaken);
    }

    public override void Abort(Exception? reason = null) => Close(reason ?? new IOException("The flow was aborted."));

    public override ValueTask DisposeAsync()
    {
        Close(null);
        return ValueTask.CompletedTask;
    }

    private bool TrySend(ReadOnlySpan<byte> data, Destination target)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHead + data.Length);
        try
        {
            int head = SocksDatagram.WriteHead(target, buffer);
            data.CopyTo(buffer.AsSpan(head));
            return head + data.Length <= MaxDatagram && _socket.Send(buffer.AsSpan(0, head + data.Length)) > 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // No room, no way there, nobody there: this datagram's fate, not the flow's.
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void ReturnBuffer()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Close(Exception? failure)
    {
        lock (_gate)
        {
            if (_isClosed != 0)
            {
                return;
            }

            // Before it can be seen that it is closed.
            _failure = failure;
            Volatile.Write(ref _isClosed, 1);
        }

        _control.Abort();
        _socket.Dispose();
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

            Close(null);
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            Close(exception);
        }
    }

    private SessionException Failed(Exception reason)
        => new(ErrorCode.RemoteDisconnect, $"The flow to {Destination} ended: {reason.Message}", reason);
}
