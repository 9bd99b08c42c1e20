using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MuxPro;

/// <summary>
/// A flow of datagrams over one UDP socket that is connected to nobody: every target sees the same source port, and any source may answer (full cone).
/// </summary>
/// <remarks>An idle flow holds no buffer: what has come is only looked at until there is something to receive.</remarks>
internal sealed class UdpLink : DatagramLink
{
    private const int SocketBuffer = 1024 * 1024; // the kernel gives less where it is told to
    private const int MostReceived = ushort.MaxValue;
    private const int MostErrors = 64; // in a row

    private readonly Socket _socket;
    private readonly UdpTargets _targets;
    private readonly UdpSources _sources;
    private readonly SocketAddress _from;
    private readonly byte[] _peeked = new byte[1];
    private byte[]? _buffer; // has what was received last
    private long _kernelDropped;
    private int _disposed;

    /// <summary>Makes the flow.</summary>
    /// <param name="socket">A datagram socket that is bound; owned by the link.</param>
    /// <param name="destination">The first target, as it was asked for.</param>
    /// <param name="address">Its address.</param>
    /// <param name="finder">Finds and judges the addresses of further targets.</param>
    /// <param name="time">The clock of what is known of names.</param>
    public UdpLink(
        Socket socket, Destination destination, IPAddress address, Func<Destination, CancellationToken, ValueTask<IPAddress[]>> finder, TimeProvider time)
    {
        _socket = socket;
        Destination = destination;
        _targets = new UdpTargets(socket.AddressFamily, finder, SendNow, count => CountDropped(count), time);
        _targets.Add(destination, address);
        _sources = new UdpSources(socket.AddressFamily, destination, address);
        _from = new SocketAddress(socket.AddressFamily);
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    /// <summary>Those that the kernel had no room for are counted too, on Linux.</summary>
    public override long Dropped => base.Dropped + KernelDropped();

    /// <summary>Makes a socket for a flow and binds it.</summary>
    public static Socket Bind(Func<AddressFamily, Socket> create)
    {
        bool isDual = Socket.OSSupportsIPv6;
        Socket socket = create(isDual ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
        try
        {
            if (isDual)
            {
                socket.DualMode = true;
            }

            socket.ReceiveBufferSize = socket.SendBufferSize = SocketBuffer;
            socket.Bind(new IPEndPoint(isDual ? IPAddress.IPv6Any : IPAddress.Any, 0));

            // A send that finds no room says so at once.
            socket.Blocking = false;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        for (int errors = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (_socket.Available == 0)
                {
                    // An empty datagram counts as nothing there, and ends the wait at once. Looking takes none, so a cancelled wait loses none.
                    ReturnBuffer();
                    await _socket.ReceiveAsync(_peeked, SocketFlags.Peek, cancellationToken).ConfigureAwait(false);
                }

                _buffer ??= ArrayPool<byte>.Shared.Rent(MostReceived);
                int length = _socket.ReceiveFrom(_buffer, SocketFlags.None, _from);
                return new Datagram(_buffer.AsMemory(0, length), _sources.Find(_from));
            }
            catch (Exception exception) when (IsOver(exception))
            {
                return Volatile.Read(ref _disposed) == 2
                    ? throw new SessionException(ErrorCode.RemoteDisconnect, $"The flow to {Destination} was aborted.", exception) : null;
            }
            catch (SocketException exception)
            {
                // What one target made of a datagram (ICMP), or a datagram that was gone when it was fetched: the others go on.
                if (++errors == MostErrors)
                {
                    throw new SessionException(ErrorCode.RemoteDisconnect, $"Receiving on the flow to {Destination} failed: {exception.Message}", exception);
                }
            }
        }
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Volatile.Read(ref _disposed) != 0)
        {
            throw new SessionException(ErrorCode.RemoteDisconnect, $"The flow to {Destination} has ended.");
        }

        if (data.Length > MaxDatagram)
        {
            CountDropped();
            return ValueTask.FromResult(false);
        }

        return ValueTask.FromResult(_targets.Send(data, address ?? Destination));
    }

    public override void Abort(Exception? reason = null) => Close(aborted: true);

    public override ValueTask DisposeAsync()
    {
        Close(aborted: false);
        return ValueTask.CompletedTask;
    }

    private void Close(bool aborted)
    {
        if (Interlocked.CompareExchange(ref _disposed, aborted ? 2 : 1, 0) == 0)
        {
            _ = KernelDropped();
            _targets.Dispose();
            _socket.Dispose();
        }
    }

    private bool SendNow(ReadOnlySpan<byte> data, SocketAddress target)
    {
        try
        {
            return _socket.SendTo(data, SocketFlags.None, target) == data.Length;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // No room, no way there, too large for the way: on a network it would be lost.
            return false;
        }
    }

    private void ReturnBuffer()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }

    private static bool IsOver(Exception exception)
        => exception is ObjectDisposedException || (exception as SocketException)?.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted;

    private long KernelDropped()
    {
        if (Volatile.Read(ref _disposed) == 0 && SocketMemory.TryGetDrops(_socket, out uint drops))
        {
            Volatile.Write(ref _kernelDropped, drops);
        }

        return Volatile.Read(ref _kernelDropped);
    }
}
