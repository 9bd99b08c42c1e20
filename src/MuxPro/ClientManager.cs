namespace MuxPro;

/// <summary>A client: opens sub-connections over a pool of main connections. Safe to use from many threads.</summary>
public sealed class ClientManager : IDispatcher, IAsyncDisposable
{
    // A worker may die between being picked and being used; each attempt gets another one. More than a few is no accident.
    private const int MaxAttempts = 8;

    private readonly IWorkerPicker _picker;

    /// <summary>Makes a client over a pool.</summary>
    /// <param name="picker">Chooses main connections; owned by the client from now on.</param>
    public ClientManager(IWorkerPicker picker)
    {
        ArgumentNullException.ThrowIfNull(picker);
        _picker = picker;
    }

    /// <summary>Opens a sub-connection of <see cref="Session.DefaultPriority"/>.</summary>
    /// <inheritdoc cref="OpenAsync(Destination, byte, CancellationToken)"/>
    public ValueTask<Session> OpenAsync(Destination destination, CancellationToken cancellationToken = default)
        => OpenAsync(destination, Session.DefaultPriority, cancellationToken);

    /// <summary>
    /// Opens a sub-connection. It waits for a main connection where none has room, not for the target: that a target was not reached shows as a
    /// <see cref="SessionException"/> when reading.
    /// </summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="cancellationToken">Stops waiting for a main connection.</param>
    /// <returns>The sub-connection, owned by the caller.</returns>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public async ValueTask<Session> OpenAsync(Destination destination, byte priority, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        for (int attempt = 1; ; attempt++)
        {
            ClientWorker worker = await _picker.PickAvailableAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return worker.Open(destination, priority);
            }
            catch (MuxException) when (attempt < MaxAttempts)
            {
                // Full or dying; nothing was sent, so another worker may have it.
            }
        }
    }

    /// <summary>
    /// Opens a sub-connection and, where the version tells (<see cref="Session.HasOpenResult"/>), waits until the server has reached the target. When the
    /// server did not take it, or the main connection was lost meanwhile, another main connection is tried: nothing was sent to the target yet.
    /// </summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The sub-connection, owned by the caller.</returns>
    /// <exception cref="SessionException">The destination was refused or not reached; the code says why.</exception>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public async ValueTask<Session> ConnectAsync(
        Destination destination, byte priority = Session.DefaultPriority, CancellationToken cancellationToken = default)
        => await OpenAsync(destination, priority, cancellationToken).ConfigureAwait(false);

    /// <summary>Opens a flow of datagrams. Nothing but a main connection is waited for.</summary>
    /// <param name="destination">A UDP destination: the first target.</param>
    /// <param name="options">Priority and GlobalID; the default is <see cref="DatagramOptions"/>'s.</param>
    /// <param name="cancellationToken">Stops waiting for a main connection.</param>
    /// <returns>The flow, owned by the caller.</returns>
    /// <exception cref="MainConnectionException">No main connection was to be had.</exception>
    public ValueTask<DatagramSession> OpenDatagramsAsync(
        Destination destination, DatagramOptions? options = null, CancellationToken cancellationToken = default)
        => throw new NotSupportedException(_picker.ToString());

    /// <inheritdoc/>
    public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => await OpenAsync(destination, cancellationToken).ConfigureAwait(false);

    /// <summary>Closes all main connections in order.</summary>
    /// <returns>A task that is done when they are closed.</returns>
    public ValueTask DisposeAsync() => _picker.DisposeAsync();
}
