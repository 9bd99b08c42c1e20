using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Reaches TCP and UDP targets with sockets: the last dispatcher of every chain. Safe to use from many threads.</summary>
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
        _resolve = resolve;
        _connect = connect ?? ConnectAsync;
    }

    /// <summary>Connects to <paramref name="destination"/>.</summary>
    /// <param name="destination">A TCP target.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link to the target, owned by the caller.</returns>
    /// <exception cref="SessionException">
    /// <see cref="ErrorCode.RemoteDisconnect"/>: refused; <see cref="ErrorCode.DestinationUnreachable"/>: not found or unreachable;
    /// <see cref="ErrorCode.OperationTimeout"/>: not connected within <see cref="DirectOptions.ConnectTimeout"/>; <see cref="ErrorCode.ProxyRejected"/>: not
    /// allowed by <see cref="DirectOptions.AllowPrivate"/>, or not TCP. <see cref="SessionException.Detail"/> says more.
    /// </exception>
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Tcp)
        {
            throw new SessionException(ErrorCode.ProxyRejected, $"{destination} is a flow of datagrams, not a stream.");
        }

        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            IPAddress[] addresses = await FindAddressesAsync(destination, either.Token).ConfigureAwait(false);
            Socket socket = await HappyEyeballs
                .ConnectAsync(addresses, destination.Port, _connect, _options.TimeProvider, either.Token).ConfigureAwait(false);
            return Link.FromSocket(socket);
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
            throw Failed(destination, exception);
        }
    }

    /// <summary>
    /// Opens a flow over a UDP socket of its own: all its targets see the same port, and any source may answer (SPEC 7.2). A target that comes later is looked up and
    /// judged like the first; datagrams to one that is not reached or not allowed are dropped and counted.
    /// </summary>
    /// <param name="destination">The first target.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The destination is not UDP.</exception>
    /// <exception cref="SessionException">
    /// <see cref="ErrorCode.DestinationUnreachable"/>: the name was not found; <see cref="ErrorCode.OperationTimeout"/>: not within
    /// <see cref="DirectOptions.ConnectTimeout"/>; <see cref="ErrorCode.ProxyRejected"/>: not allowed by <see cref="DirectOptions.AllowPrivate"/>;
    /// <see cref="ErrorCode.ResourceExhaustion"/>: no socket was to be had.
    /// </exception>
    public async ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Udp)
        {
            throw new ArgumentException($"'{destination}' is no UDP destination.", nameof(destination));
        }

        IPAddress[] addresses = await FindWithinAsync(destination, cancellationToken).ConfigureAwait(false);
        try
        {
            Socket socket = UdpLink.Bind(_options.CreateDatagramSocket ?? CreateDatagramSocket);
            return new UdpLink(socket, destination, addresses[0], FindAddressesAsync, _options.TimeProvider);
        }
        catch (SocketException exception)
        {
            throw new SessionException(ErrorCode.ResourceExhaustion, $"There is no socket for {destination}: {exception.Message}.", exception);
        }
    }

    private static Socket CreateDatagramSocket(AddressFamily family) => new(family, SocketType.Dgram, ProtocolType.Udp);

    private async ValueTask<IPAddress[]> FindWithinAsync(Destination destination, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await FindAddressesAsync(destination, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SessionException(
                ErrorCode.OperationTimeout, $"The name of {destination} was not found within {_options.ConnectTimeout.TotalSeconds} s.", exception);
        }
    }

    /// <summary>SPEC 6.3.2 and 6.3.4: the code of a target that was not connected, and what more there is to say.</summary>
    private static SessionException Failed(Destination destination, SocketException exception)
    {
        (ErrorCode code, FailureDetail detail) = exception.SocketErrorCode switch
        {
            SocketError.TimedOut => (ErrorCode.OperationTimeout, FailureDetail.None),

            // A target that refuses resets, as one does later on.
            SocketError.ConnectionRefused or SocketError.ConnectionReset => (ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused),
            SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.AddressNotAvailable
                => (ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable),
            SocketError.HostUnreachable or SocketError.HostDown => (ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable),
            _ => (ErrorCode.DestinationUnreachable, FailureDetail.None),
        };
        return new SessionException(code, $"{destination} could not be connected: {exception.SocketErrorCode}.", exception) { Detail = detail };
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async ValueTask<IPAddress[]> FindAddressesAsync(Destination destination, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = destination.Address is { } address
            ? [address]
            : await ResolveAsync(destination, cancellationToken).ConfigureAwait(false);
        // A socket of one family only does not connect to the mapped form of the other.
        addresses = [.. addresses.Select(candidate => candidate.IsIPv4MappedToIPv6 ? candidate.MapToIPv4() : candidate)];
        if (addresses.Length == 0)
        {
            throw new SessionException(ErrorCode.DestinationUnreachable, $"{destination} has no address.") { Detail = FailureDetail.NameNotFound };
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

        return HappyEyeballs.Interleave(addresses);
    }

    private async ValueTask<IPAddress[]> ResolveAsync(Destination destination, CancellationToken cancellationToken)
    {
        try
        {
            return await _resolve(destination.Domain!, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException { SocketErrorCode: not SocketError.TimedOut } or ArgumentException)
        {
            throw new SessionException(ErrorCode.DestinationUnreachable, $"The name of {destination} was not found.", exception)
            {
                Detail = FailureDetail.NameNotFound,
            };
        }
    }
}
