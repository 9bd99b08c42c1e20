using MuxPro.Core;

namespace MuxPro;

/// <summary>
/// Makes workers of several servers: of the first one that works. A server that failed is tried after the others until a wait is over, 1 s at first,
/// doubled by each further failure up to a minute; then it has its place again.
/// </summary>
public sealed class FailoverWorkerFactory : IClientWorkerFactory
{
    private const int LongestWaitSeconds = 60;

    private readonly Server[] _servers;
    private readonly Lock _gate = new();

    /// <summary>Makes the factory.</summary>
    /// <param name="servers">The servers, the preferred one first: a name for messages, and what makes workers of it.</param>
    /// <exception cref="ArgumentException">There is no server, or one has no factory or no name.</exception>
    public FailoverWorkerFactory(params IReadOnlyList<(string Name, IClientWorkerFactory Factory)> servers)
    {
        ArgumentNullException.ThrowIfNull(servers);
        if (servers.Count == 0 || servers.Any(static server => server.Factory is null || string.IsNullOrEmpty(server.Name)))
        {
            throw new ArgumentException("There must be one server or more, each with a name and a factory.", nameof(servers));
        }

        TimeProvider = servers[0].Factory.TimeProvider;
        _servers = [.. servers.Select(server => new Server(server.Name, server.Factory, TimeProvider.TimestampFrequency))];
    }

    /// <summary>How long one server may take, negotiation and all, before the next one is tried.</summary>
    /// <value>The default value is 10 seconds.</value>
    public TimeSpan AttemptTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(AttemptTimeout));
            field = value;
        }
    } = TimeSpan.FromSeconds(10);

    /// <summary>That of the preferred server.</summary>
    public int Capacity => _servers[0].Factory.Capacity;

    /// <summary>That of the preferred server.</summary>
    public TimeProvider TimeProvider { get; }

    /// <inheritdoc/>
    /// <exception cref="MainConnectionException">
    /// No server worked (<see cref="MainConnectionEnd.DialFailed"/>): the message names each and why, the inner exception has theirs.
    /// </exception>
    public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
    {
        var reasons = new List<string>();
        var errors = new List<Exception>();
        foreach (Server server in Order())
        {
            int attempt;
            lock (_gate)
            {
                attempt = server.BackOff.Begin();
            }

            try
            {
                ClientWorker worker = await CreateAsync(server, cancellationToken).ConfigureAwait(false);
                lock (_gate)
                {
                    server.BackOff.OnSucceeded();
                }

                return worker;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                lock (_gate)
                {
                    server.BackOff.OnFailed(attempt, TimeProvider.GetTimestamp(), Random.Shared.NextDouble());
                }

                reasons.Add($"{server.Name}: {exception.Message}");
                errors.Add(exception);
            }
        }

        throw new MainConnectionException(
            MainConnectionEnd.DialFailed, $"No server was reached. {string.Join(" ", reasons)}", new AggregateException(errors));
    }

    private async ValueTask<ClientWorker> CreateAsync(Server server, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(AttemptTimeout, TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await server.Factory.CreateAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"It did not answer within {AttemptTimeout.TotalSeconds} s.", exception);
        }
    }

    private List<Server> Order()
    {
        long now = TimeProvider.GetTimestamp();
        lock (_gate)
        {
            // In the order they were given; sorting is stable.
            return [.. _servers.OrderBy(server => !server.BackOff.IsOver(now))];
        }
    }

    private sealed class Server(string name, IClientWorkerFactory factory, long ticksPerSecond)
    {
        // Guarded by _gate.
        public BackOff BackOff = new(ticksPerSecond, LongestWaitSeconds * ticksPerSecond);

        public string Name => name;

        public IClientWorkerFactory Factory => factory;
    }
}
