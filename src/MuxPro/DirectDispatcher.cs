using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Connects to TCP targets with sockets: the last dispatcher of every chain. Safe to use from many threads.</summary>
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
    /// <see cref="ErrorCode.DestinationUnreachable"/>: not found, refused or unreachable; <see cref="ErrorCode.OperationTimeout"/>: not connected
    /// within <see cref="DirectOptions.ConnectTimeout"/>; <see cref="ErrorCode.ProxyRejected"/>: not allowed by
    /// <see cref="DirectOptions.AllowPrivate"/>, or not TCP.
    /// </exception>
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Tcp)
        {
            throw new SessionException(ErrorCode.ProxyRejected, $"{destination} is not TCP, and nothing else is connected to here.");
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
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.TimedOut)
        {
            throw new SessionException(ErrorCode.OperationTimeout, $"{destination} did not answer.", exception);
        }
        catch (SocketException exception)
        {
            throw new SessionException(
                ErrorCode.DestinationUnreachable, $"{destination} could not be connected: {exception.SocketErrorCode}.", exception);
        }
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
            throw new SessionException(ErrorCode.DestinationUnreachable, $"{destination} has no address.");
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
            throw new SessionException(ErrorCode.DestinationUnreachable, $"The name of {destination} was not found.", exception);
        }
    }
}
