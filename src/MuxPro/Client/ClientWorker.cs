using MuxPro.Engine;

namespace MuxPro;

/// <summary>The client end of one main connection: opens sub-connections on it. Safe to use from many threads.</summary>
public sealed partial class ClientWorker : IAsyncDisposable
{
    private readonly MainConnection _connection;
    private readonly ClientStrategy _strategy;
    private readonly WearLimits _limits;
    private readonly long _started;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private int _reserved;
    private int _total;
    private bool _isRetired;
    private long _idleSince; // Busy while something is open, or about to be

    private ClientWorker(MainConnection connection, ClientStrategy strategy, ProtocolVersion version)
    {
        _connection = connection;
        _strategy = strategy;
        _limits = WearLimits.Draw(strategy, connection.Time.TimestampFrequency, Random.Shared.NextDouble());
        _started = _idleSince = connection.Now;
        Version = version;
        connection.RoomFreed = OnRoomFreed;
    }

    /// <summary>What the main connection speaks.</summary>
    public MuxProtocols Protocol => _connection.Options.Protocol;

    /// <summary>The version that was negotiated; 0.0 for Mux.Cool, which has none and can do no more than that.</summary>
    public ProtocolVersion Version { get; }

    /// <summary>
    /// The round-trip time of the main connection: what the kernel measured, or the last ping, or the negotiation; <see langword="null"/>
    /// while it is not known.
    /// </summary>
    public TimeSpan? RoundTripTime => _connection.RoundTripTime;

    /// <summary>Sub-connections that are open.</summary>
    public int ActiveSessions => _connection.ActiveSessions;

    /// <summary>Sub-connections that were opened in this worker's life.</summary>
    public int TotalSessions
    {
        get
        {
            lock (_gate)
            {
                return _total;
            }
        }
    }

    /// <summary>Whether there is no room for another sub-connection, now or ever again.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return !HasRoom;
            }
        }
    }

    /// <summary>Whether the worker takes no new sub-connections: it is gone, closing, or worn out (<see cref="ClientStrategy"/>).</summary>
    public bool IsClosing
    {
        get
        {
            lock (_gate)
            {
                return _connection.IsClosing || IsWornOut;
            }
        }
    }

    /// <summary>Whether the main connection is gone.</summary>
    public bool IsClosed => _connection.Failure is not null;

    /// <summary>Done when the main connection is gone. Never fails.</summary>
    public Task Completion => _connection.Completion;

    /// <summary>Why the main connection ended, or <see langword="null"/> while it lives.</summary>
    public MainConnectionException? Failure => _connection.Failure;

    /// <summary>Called without a lock when a place has come free.</summary>
    internal Action? RoomFreed { get; set; }

    /// <summary>How many sub-connections it has room for while none is open.</summary>
    internal int Capacity => (int)Math.Min(MaxOpen, _limits.Sessions);

    private int MaxOpen => Math.Min(_strategy.MaxConcurrency, _connection.MaxSessions);

    private bool HasRoom => !_connection.IsClosing && _connection.ActiveSessions + _reserved < MaxOpen && !IsWornOut;

    /// <summary>Negotiates on a link and returns the worker.</summary>
    /// <param name="link">The byte stream to a server; owned by the worker from now on, also when this method fails.</param>
    /// <param name="strategy">How many sub-connections; the default is <see cref="ClientStrategy"/>'s.</param>
    /// <param name="options">Settings; the default is <see cref="MuxOptions"/>'s.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The worker.</returns>
    /// <exception cref="MainConnectionException">The server did not negotiate, or not in time.</exception>
    /// <exception cref="InvalidOperationException">The link carries a main connection already; that one goes on.</exception>
    public static async ValueTask<ClientWorker> StartAsync(
        Link link, ClientStrategy? strategy = null, MuxOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(link);
        var connection = new MainConnection(link, options ?? MuxOptions.Default, onOpened: null);
        connection.Start();
        try
        {
            ProtocolVersion version = await connection.Negotiated.WaitAsync(cancellationToken).ConfigureAwait(false);
            return new ClientWorker(connection, (strategy ?? ClientStrategy.Default).For(connection.Options.Protocol), version);
        }
        catch (OperationCanceledException)
        {
            connection.Abort("The attempt was cancelled.");
            await connection.Completion.ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Reserves a place for one sub-connection, if there is room. Use it with <see cref="Open"/>, or give it back with
    /// <see cref="Release"/>.
    /// </summary>
    /// <returns>Whether there was room.</returns>
    public bool TryReserve()
    {
        lock (_gate)
        {
            if (HasRoom)
            {
                _reserved++;
                _idleSince = Busy;
                return true;
            }

            RetireLocked();
            return false;
        }
    }

    /// <summary>Gives a reserved place back.</summary>
    public void Release() => Return(opened: false);

    /// <summary>Opens a sub-connection in a reserved place. Nothing is waited for: data may be written at once.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last.</param>
    /// <returns>The sub-connection.</returns>
    /// <exception cref="MainConnectionException">
    /// The main connection is gone or closing; nothing was sent. The place is given back.
    /// </exception>
    /// <exception cref="SessionException">All ids are in use (0004). The place is given back.</exception>
    public Session Open(Destination destination, byte priority = Session.DefaultPriority)
    {
        bool opened = false;
        try
        {
            ArgumentNullException.ThrowIfNull(destination);
            Session session = _connection.Open(destination, priority);
            opened = true;
            return session;
        }
        finally
        {
            // Only now: between the two the place is counted twice rather than not at all.
            Return(opened);
        }
    }

    /// <summary>Opens a flow of datagrams in a reserved place. Nothing is waited for.</summary>
    /// <param name="destination">A UDP destination: the first target.</param>
    /// <param name="options">Priority and GlobalID.</param>
    /// <returns>The flow.</returns>
    /// <inheritdoc cref="Open(Destination, byte)" path="/exception"/>
    public DatagramSession OpenDatagrams(Destination destination, DatagramOptions? options = null)
    {
        bool opened = false;
        try
        {
            ClientManager.ThrowIfNotUdp(destination);
            options ??= new DatagramOptions();
            DatagramSession session = _connection.Open(destination, options.Priority, options.GlobalId).AsDatagrams();
            opened = true;
            return session;
        }
        finally
        {
            Return(opened);
        }
    }

    /// <summary>Closes the main connection in order: what can be sent is sent, then the sub-connections that still live fail.</summary>
    /// <returns>A task that is done when both loops have ended and the link is closed.</returns>
    public async ValueTask DisposeAsync() => await _connection.CloseAsync().ConfigureAwait(false);

    /// <summary>How many sub-connections are open or about to be, if there is room for another one.</summary>
    internal bool TryGetLoad(out int load)
    {
        lock (_gate)
        {
            load = _connection.ActiveSessions + _reserved;
            if (HasRoom)
            {
                return true;
            }

            RetireLocked();
            return false;
        }
    }

    private void OnRoomFreed()
    {
        lock (_gate)
        {
            LookWhetherIdleLocked();
        }

        if (_limits.Bytes != WearLimits.None)
        {
            RetireIfWornOut();
        }

        RoomFreed?.Invoke();
    }

    private void Return(bool opened)
    {
        lock (_gate)
        {
            _reserved--;
            _total += opened ? 1 : 0;
            LookWhetherIdleLocked();
            RetireLocked();
        }

        if (!opened)
        {
            RoomFreed?.Invoke();
        }
    }
}
