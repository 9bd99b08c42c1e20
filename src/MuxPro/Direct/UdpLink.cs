using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MuxPro.Protocol;

namespace MuxPro;

/// <summary>
/// A flow of datagrams over a UDP socket of its own, bound but not connected: the same port towards every target, and any source may answer
/// (full cone, SPEC 7.2).
/// </summary>
internal sealed class UdpLink : DatagramLink
{
    // Asked for; the system gives what its limits allow, and uses it only while datagrams wait.
    private const int SocketBuffer = 1024 * 1024;

    private readonly Socket _socket;
    private readonly UdpTargets _targets;
    private readonly RecentAddresses _sources;
    private readonly SocketAddress _from;
    private readonly byte[] _probe = new byte[1];
    private readonly Lock _kernelGate = new();
    private uint _kernelDropped; // guarded by _kernelGate
    private bool _isKernelGone; // guarded by _kernelGate
    private byte[]? _buffer; // the receiver's
    private volatile Exception? _failure;
    private int _isClosed;

    /// <summary>Opens the socket.</summary>
    /// <param name="destination">The first target.</param>
    /// <param name="addresses">Its addresses, all of them allowed.</param>
    /// <param name="options">The dispatcher's settings.</param>
    /// <param name="resolve">Looks names up.</param>
    /// <param name="family">The family of the socket; the default is IPv6 in dual mode, where the system has it.</param>
    /// <exception cref="SocketException">There is no socket, or none of the addresses has a family that it can send to.</exception>
    internal UdpLink(
        Destination destination,
        IReadOnlyList<IPAddress> addresses,
        DirectOptions options,
        Func<string, CancellationToken, Task<IPAddress[]>> resolve,
        AddressFamily? family = null)
    {
        Destination = destination;
        AddressFamily own = family ?? options.LocalAddress?.AddressFamily
            ?? (Socket.OSSupportsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
        _targets = new UdpTargets(destination, own, options, resolve, SendNow, CountDropped);
        if (!_targets.TryAdd(addresses))
        {
            throw new SocketException((int)SocketError.AddressFamilyNotSupported);
        }

        _socket = Open(own, options);
        _from = new SocketAddress(own);
        _sources = new RecentAddresses(ReadSource);
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    /// <summary>Those that the kernel had no room for are counted too, on Linux.</summary>
    public override long Dropped
    {
        get
        {
            CountKernel();
            return base.Dropped;
        }
    }

    internal IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Whether memory for a datagram is held.</summary>
    internal bool HoldsBuffer => _buffer is not null;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                // An idle flow holds no memory: the datagram is looked at where it is, and taken only then. So a cancelled receive takes
                // none, too.
                if (_socket.Available == 0)
                {
                    ReturnBuffer();
                    await _socket.ReceiveAsync(_probe, SocketFlags.Peek, cancellationToken).ConfigureAwait(false);
                }

                _buffer ??= ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
                int length = _socket.ReceiveFrom(_buffer, SocketFlags.None, _from);
                return new Datagram(_buffer.AsMemory(0, length), FindSource());
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                if (Volatile.Read(ref _isClosed) != 0)
                {
                    return _failure is null ? null : throw Failed(_failure);
                }

                if (exception is not SocketException socket || !SocketFailures.IsPassing(socket.SocketErrorCode))
                {
                    throw Failed(exception);
                }
            }
        }
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _isClosed) != 0)
        {
            return ValueTask.FromException<bool>(
                _failure is null ? new ObjectDisposedException(nameof(UdpLink)) : Failed(_failure));
        }

        bool isTaken = data.Length <= MaxDatagram && _targets.TrySend(address ?? Destination, data.Span);
        if (!isTaken)
        {
            CountDropped();
        }

        return ValueTask.FromResult(isTaken);
    }

    public override void Abort(Exception? reason = null)
    {
        if (Volatile.Read(ref _isClosed) == 0)
        {
            _failure = reason ?? new IOException("The flow was aborted.");
            Close();
        }
    }

    public override ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private void CountKernel()
    {
        lock (_kernelGate)
        {
            if (!_isKernelGone && KernelDrops.Of(_socket) is { } dropped)
            {
                CountDropped(unchecked(dropped - _kernelDropped));
                _kernelDropped = dropped;
            }
        }
    }

    private static Socket Open(AddressFamily family, DirectOptions options)
    {
        Socket socket = options.CreateDatagramSocket?.Invoke(family) ?? new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (family == AddressFamily.InterNetworkV6 && options.LocalAddress is null)
            {
                socket.DualMode = true;
            }

            socket.Blocking = false; // nobody waits for room
            socket.ReceiveBufferSize = SocketBuffer;
            socket.SendBufferSize = SocketBuffer;
            socket.Bind(new IPEndPoint(options.LocalAddress ?? AnyAddress(family), 0));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Destination FindSource()
        => _from.Equals(_targets.AddressOfDestination) ? Destination : _sources.Find(_from.Buffer.Span[.._from.Size])!;

    private Destination ReadSource(ReadOnlySpan<byte> address)
    {
        // The socket's own is filled again by the next receive.
        var copy = new SocketAddress(_from.Family, address.Length);
        address.CopyTo(copy.Buffer.Span);
        var source = (IPEndPoint)new IPEndPoint(AnyAddress(_from.Family), 0).Create(copy);
        return Destination.Udp(source.Address.Unmapped(), source.Port);
    }

    private static IPAddress AnyAddress(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;

    private bool SendNow(ReadOnlySpan<byte> data, SocketAddress to)
    {
        try
        {
            _socket.SendTo(data, SocketFlags.None, to);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // No room, no way there, not permitted: this datagram's fate, not the flow's.
            return false;
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

    private void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
        {
            return;
        }

        CountKernel();
        lock (_kernelGate)
        {
            _isKernelGone = true;
        }

        _targets.Dispose();
        _socket.Dispose();
    }

    private SessionException Failed(Exception reason)
        => new(ErrorCode.RemoteDisconnect, $"The flow to {Destination} ended: {reason.Message}", reason);
}
