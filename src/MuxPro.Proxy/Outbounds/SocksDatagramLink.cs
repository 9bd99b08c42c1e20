using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;

namespace MuxPro.Proxy.Outbounds;

/// <summary>A flow through a SOCKS5 proxy (RFC 1928 7): it ends with the connection that asked for it.</summary>
internal sealed class SocksDatagramLink : DatagramLink
{
    private const int KernelBuffer = 1024 * 1024;

    private readonly Link _control;
    private readonly Socket _socket;
    private readonly byte[] _received = new byte[SocksDatagram.MaxLength];
    private readonly CancellationTokenSource _closing = new();
    private Exception? _failure;

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
    public static SocksDatagramLink Start(Link control, IPEndPoint relay, Destination destination, SocketBudget sockets)
    {
        Socket socket = CountedSocket.ForDatagrams(relay.AddressFamily, sockets);
        try
        {
            socket.ReceiveBufferSize = KernelBuffer;

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

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, cancellationToken);
        while (true)
        {
            try
            {
                int length = await _socket.ReceiveAsync(_received, SocketFlags.None, either.Token);
                int head = SocksDatagram.MeasureHead(_received.AsSpan(0, length));
                if (head > 0 && SocksAddress.Read(_received.AsSpan(SocksDatagram.Prefix, head - SocksDatagram.Prefix), Network.Udp) is { } source)
                {
                    return new Datagram(_received.AsMemory(head, length - head), source);
                }

                CountDropped();
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // An earlier datagram found nobody: the control connection says when the proxy is gone.
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return _failure is null ? null : throw new IOException(_failure.Message, _failure);
            }
        }
    }

    public override async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHead + data.Length);
        try
        {
            int head = SocksDatagram.WriteHead(address ?? Destination, buffer);
            data.Span.CopyTo(buffer.AsSpan(head));
            await _socket.SendAsync(buffer.AsMemory(0, head + data.Length), SocketFlags.None, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            CountDropped();
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public override void Abort(Exception? reason = null) => Close();

    public override ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private void Close()
    {
        _ = _closing.CancelAsync();
        _control.Abort();
        _socket.Dispose();
    }

    /// <summary>Waits for the end of the connection that asked for the flow.</summary>
    private async Task WatchAsync()
    {
        byte[] nothing = new byte[1];
        try
        {
            while (await _control.AsStream().ReadAsync(nothing) > 0)
            {
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Gone, too.
        }

        if (!_closing.IsCancellationRequested)
        {
            _failure = new IOException("The SOCKS proxy has ended the association.");
            await _closing.CancelAsync();
        }
    }
}
