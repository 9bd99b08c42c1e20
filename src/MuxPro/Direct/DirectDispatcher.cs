using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>
/// Connects to TCP targets, and sends datagrams to UDP targets, with sockets: the last dispatcher of every chain. Safe to use from many
/// threads.
/// </summary>
/// <remarks>
/// Names are resolved by the system. Where a name has several addresses, the families take turns and an attempt gets company after 250 ms;
/// the first connection wins (RFC 8305).
/// </remarks>
public sealed class DirectDispatcher : IDispatcher
{
    private static readonly DirectOptions DefaultOptions = new();

    private readonly DirectOptions _options;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly Func<IPEndPoint, CancellationToken, Task<Socket>> _connect;

    /// <summary>Makes the dispatcher.</summary>
    /// <param name="options">Its settings; the default is <c>new DirectOptions()</c>.</param>
    public DirectDispatcher(DirectOptions? options = null)
        : this(options, NameResolver.ResolveAsync, options?.Connect)
    {
    }

    internal DirectDispatcher(
        DirectOptions? options,
        Func<string, CancellationToken, Task<IPAddress[]>> resolve,
        Func<IPEndPoint, CancellationToken, Task<Socket>>? connect = null)
    {
        _options = options ?? DefaultOptions;
        _resolve = _options.AddressFamily is { } family ? OfFamily(resolve, family) : resolve;
        _connect = connect ?? ConnectAsync;
    }

    /// <summary>Connects to <paramref name="destination"/>.</summary>
    /// <param name="destination">A TCP target.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link to the target, owned by the caller.</returns>
    /// <exception cref="SessionException">
    /// <see cref="ErrorCode.RemoteDisconnect"/>: the target refused; <see cref="ErrorCode.DestinationUnreachable"/>: unreachable, or its
    /// name was not found; <see cref="ErrorCode.OperationTimeout"/>: not connected within <see cref="DirectOptions.ConnectTimeout"/>;
    /// <see cref="ErrorCode.ResourceExhaustion"/>: no more sockets here; <see cref="ErrorCode.ProxyRejected"/>: not allowed by
    /// <see cref="DirectOptions.AllowPrivate"/>, or not TCP. <see cref="SessionException.Detail"/> says more.
    /// </exception>
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Tcp)
        {
            throw new SessionException(ErrorCode.ProxyRejected, $"{destination} is not TCP, and nothing else is connected to here.");
        }

        return await InTimeAsync(destination, ReachAsync, cancellationToken).ConfigureAwait(false);

        async ValueTask<Link> ReachAsync(CancellationToken either)
        {
            IPAddress[] addresses = HappyEyeballs.Interleave(await FindAddressesAsync(destination, either).ConfigureAwait(false));
            return Link.FromSocket(await HappyEyeballs
                .ConnectAsync(addresses, destination.Port, _connect, _options.TimeProvider, either).ConfigureAwait(false));
        }
    }

    /// <summary>
    /// Opens a flow of datagrams: a UDP socket of its own, with one port towards every target, that any source may answer to.
    /// </summary>
    /// <remarks>
    /// Each datagram is judged by <see cref="DirectOptions.AllowPrivate"/>; targets that are names are looked up in the background, and one
    /// that is slow delays no other. An answer from the address of <paramref name="destination"/> is given with
    /// <paramref name="destination"/> itself as its source.
    /// </remarks>
    /// <param name="destination">The first UDP target.</param>
    /// <param name="cancellationToken">Gives up looking its name up.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is not UDP.</exception>
    /// <exception cref="SessionException">
    /// <see cref="ErrorCode.DestinationUnreachable"/>: its name was not found, or this machine has no address of its family;
    /// <see cref="ErrorCode.OperationTimeout"/>: not looked up within <see cref="DirectOptions.ConnectTimeout"/>;
    /// <see cref="ErrorCode.ResourceExhaustion"/>: no more sockets here; <see cref="ErrorCode.ProxyRejected"/>: not allowed by
    /// <see cref="DirectOptions.AllowPrivate"/>.
    /// </exception>
    public async ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Udp)
        {
            throw new ArgumentException($"{destination} is not UDP.", nameof(destination));
        }

        return await InTimeAsync(destination, ReachAsync, cancellationToken).ConfigureAwait(false);

        async ValueTask<DatagramLink> ReachAsync(CancellationToken either)
        {
            IPAddress[] addresses = await FindAddressesAsync(destination, either).ConfigureAwait(false);
            return new UdpLink(destination, addresses, _options, _resolve);
        }
    }

    private static Func<string, CancellationToken, Task<IPAddress[]>> OfFamily(
        Func<string, CancellationToken, Task<IPAddress[]>> resolve, AddressFamily family)
        => async (name, cancellationToken) =>
        {
            IPAddress[] addresses = await resolve(name, cancellationToken).ConfigureAwait(false);
            return [.. addresses.Where(address => address.AddressFamily == family)];
        };

    private async Task<Socket> ConnectAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (_options.TcpKeepAlive != Timeout.InfiniteTimeSpan)
            {
                int seconds = (int)Math.Clamp(_options.TcpKeepAlive.TotalSeconds, 1, short.MaxValue);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, seconds);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            }

            if (_options.LocalAddress is { } local)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async ValueTask<T> InTimeAsync<T>(
        Destination destination, Func<CancellationToken, ValueTask<T>> reach, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await reach(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SessionException(
                ErrorCode.OperationTimeout, $"{destination} was not connected within {_options.ConnectTimeout.TotalSeconds} s.", exception);
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        catch (SocketException exception)
        {
            throw SocketFailures.Connecting(destination, exception);
        }
    }

    private async ValueTask<IPAddress[]> FindAddressesAsync(Destination destination, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = destination.Address is { } address
            ? [address]
            : await ResolveAsync(destination, cancellationToken).ConfigureAwait(false);
        // A socket of one family only does not connect to the mapped form of the other.
        addresses = [.. addresses.Select(static candidate => candidate.Unmapped())];
        if (addresses.Length == 0)
        {
            throw SocketFailures.Naming(destination, null);
        }

        if (!_options.AllowPrivate)
        {
            // After resolution, and what is judged here is what is dialled: a name cannot be one thing now and another then.
            IPAddress[] allowed = [.. addresses.Where(candidate => AddressRanges.NotPublic(candidate) is null)];
            if (allowed.Length == 0)
            {
                throw new SessionException(
                    ErrorCode.ProxyRejected, $"{destination} is not public: {addresses[0]} is {AddressRanges.NotPublic(addresses[0])}.");
            }

            addresses = allowed;
        }

        return addresses;
    }

    private async ValueTask<IPAddress[]> ResolveAsync(Destination destination, CancellationToken cancellationToken)
    {
        try
        {
            return await _resolve(destination.Domain!, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException { SocketErrorCode: not SocketError.TimedOut } or ArgumentException)
        {
            throw SocketFailures.Naming(destination, exception);
        }
    }
}
