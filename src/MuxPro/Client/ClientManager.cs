namespace MuxPro;

/// <summary>A client: opens sub-connections over a pool of main connections. Safe to use from many threads.</summary>
public sealed class ClientManager : IDispatcher, IAsyncDisposable
{
    // A worker may die between being picked and being used; each attempt gets another one. More than a few is no accident.
    private const int MaxAttempts = 8;

    private readonly IWorkerPicker _picker;
    private readonly IWorkerPicker _datagrams;

    /// <summary>Makes a client over a pool, or two.</summary>
    /// <param name="picker">Chooses main connections; owned by the client from now on.</param>
    /// <param name="datagrams">
    /// Chooses main connections for flows of datagrams; owned by the client from now on. The default is <paramref name="picker"/>.
    /// </param>
    public ClientManager(IWorkerPicker picker, IWorkerPicker? datagrams = null)
    {
        ArgumentNullException.ThrowIfNull(picker);
        _picker = picker;
        _datagrams = datagrams ?? picker;
    }

    /// <summary>Opens a sub-connection of <see cref="Session.DefaultPriority"/>.</summary>
    /// <inheritdoc cref="OpenAsync(Destination, byte, CancellationToken)"/>
    public ValueTask<Session> OpenAsync(Destination destination, CancellationToken cancellationToken = default)
        => OpenAsync(destination, Session.DefaultPriority, cancellationToken);

    /// <summary>
    /// Opens a sub-connection. It waits for a main connection where none has room, not for the target: that a target was not reached shows
    /// as a <see cref="SessionException"/> when reading.
    /// </summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="cancellationToken">Stops waiting for a main connection.</param>
    /// <returns>The sub-connection, owned by the caller.</returns>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public ValueTask<Session> OpenAsync(Destination destination, byte priority, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return OpenAsync(
            _picker, (destination, priority), static (worker, what) => worker.Open(what.destination, what.priority), cancellationToken);
    }

    /// <summary>
    /// Opens a sub-connection and, where the version tells (<see cref="Session.HasOpenResult"/>), waits until the server has reached the
    /// target. When the server did not take it, or the main connection was lost meanwhile, another main connection is tried: nothing was
    /// sent to the target yet.
    /// </summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The sub-connection, owned by the caller.</returns>
    /// <exception cref="SessionException">The destination was refused or not reached; the code says why.</exception>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public async ValueTask<Session> ConnectAsync(
        Destination destination, byte priority = Session.DefaultPriority, CancellationToken cancellationToken = default)
    {
        for (int attempt = 1; ; attempt++)
        {
            Session session = await OpenAsync(destination, priority, cancellationToken).ConfigureAwait(false);
            if (!session.HasOpenResult)
            {
                return session;
            }

            try
            {
                await session.RemoteOpened.WaitAsync(cancellationToken).ConfigureAwait(false);
                return session;
            }
            catch (OperationCanceledException)
            {
                session.Abort();
                throw;
            }
            catch (MainConnectionException) when (attempt < MaxAttempts)
            {
                await session.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await session.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>Opens a flow of datagrams. Nothing but a main connection is waited for.</summary>
    /// <param name="destination">A UDP destination: the first target.</param>
    /// <param name="options">Priority and GlobalID; the default is <see cref="DatagramOptions"/>'s.</param>
    /// <param name="cancellationToken">Stops waiting for a main connection.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public ValueTask<DatagramSession> OpenDatagramsAsync(
        Destination destination, DatagramOptions? options = null, CancellationToken cancellationToken = default)
    {
        ThrowIfNotUdp(destination);
        return OpenAsync(
            _datagrams, (destination, options), static (worker, what) => worker.OpenDatagrams(what.destination, what.options),
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Where the version tells, it waits until the server has reached the target: see <see cref="ConnectAsync"/>.</remarks>
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => await DispatchAsync(destination, Session.DefaultPriority, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>Where the version tells, it waits until the server has reached the target: see <see cref="ConnectAsync"/>.</remarks>
    public async ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => await ConnectAsync(destination, priority, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        => await OpenDatagramsAsync(destination, null, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<DatagramLink> DispatchDatagramsAsync(
        Destination destination, DatagramOptions options, CancellationToken cancellationToken)
        => await OpenDatagramsAsync(destination, options, cancellationToken).ConfigureAwait(false);

    /// <summary>Closes all main connections in order.</summary>
    /// <returns>A task that is done when they are closed.</returns>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _picker.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            if (_datagrams != _picker)
            {
                await _datagrams.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private static async ValueTask<T> OpenAsync<T, TWhat>(
        IWorkerPicker picker, TWhat what, Func<ClientWorker, TWhat, T> open, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            ClientWorker worker = await picker.PickAvailableAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return open(worker, what);
            }
            catch (MuxException) when (attempt < MaxAttempts)
            {
                // Full or dying; nothing was sent, so another worker may have it.
            }
        }
    }

    internal static void ThrowIfNotUdp(Destination destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination.Network != Network.Udp)
        {
            throw new ArgumentException($"'{destination}' is no UDP destination.", nameof(destination));
        }
    }
}
