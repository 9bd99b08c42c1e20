using MuxPro.Core;
using MuxPro.Diagnostics;
using static MuxPro.OptionRules;

namespace MuxPro;

/// <summary>
/// Makes workers of several servers: of the first one that works. A server that failed, or whose main connection went silent, is tried
/// after the others until a wait is over, 1 s at first, doubled by each further failure up to a minute; then it has its place again.
/// </summary>
public sealed class FailoverWorkerFactory : IClientWorkerFactory
{
    private const int LongestWaitSeconds = 60;

    private readonly Server[] _servers;
    private readonly TimeProvider _time;
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
        _time = GuardedTime.Over(TimeProvider);
        _servers = [.. servers.Select(server => new Server(server.Name, server.Factory, _time.TimestampFrequency))];
    }

    /// <summary>How long one server may take, negotiation and all, before the next one is tried.</summary>
    /// <value>The default value is 10 seconds.</value>
    public TimeSpan AttemptTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>That of the preferred server.</summary>
    public int Capacity => _servers[0].Factory.Capacity;

    /// <summary>That of the preferred server.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>How long one server has nobody beside it: then the next one is tried too, and the first that works is taken.</summary>
    /// <value>The default value is 2 seconds.</value>
    public TimeSpan AttemptDelay { get; init => field = Positive(value); } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    /// <exception cref="MainConnectionException">
    /// No server worked (<see cref="MainConnectionEnd.DialFailed"/>): the message names each and why, the inner exception has theirs.
    /// </exception>
    public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
    {
        using var decided = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var left = new Queue<Server>(Order());
        var underWay = new List<(Server Server, Task<ClientWorker> Task)>();
        var errors = new List<(Server Server, Exception Error)>();
        try
        {
            while (left.Count + underWay.Count > 0)
            {
                if (left.TryDequeue(out Server? next))
                {
                    underWay.Add((next, AttemptAsync(next, decided.Token)));
                }

                (Server Server, Task<ClientWorker> Task)? done = await WaitAsync(
                    underWay, left.Count > 0, decided.Token).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (done is not var (server, task))
                {
                    continue;
                }

                underWay.Remove(done.Value);
                if (task.IsCompletedSuccessfully)
                {
                    return await task.ConfigureAwait(false);
                }

                errors.Add((server, task.Exception?.InnerException ?? new OperationCanceledException("The attempt was cancelled.")));
            }
        }
        finally
        {
            await decided.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach ((_, Task<ClientWorker> late) in underWay)
            {
                _ = CloseAsync(late);
            }
        }

        string reasons = string.Join(" ", errors.Select(static failed => $"{failed.Server.Name}: {failed.Error.Message}"));
        throw new MainConnectionException(
            MainConnectionEnd.DialFailed, $"No server was reached. {reasons}",
            new AggregateException(errors.Select(static failed => failed.Error)));
    }

    /// <returns>The attempt that is done, or <see langword="null"/> when it is time for the next one.</returns>
    private async Task<(Server Server, Task<ClientWorker> Task)?> WaitAsync(
        List<(Server Server, Task<ClientWorker> Task)> underWay, bool hasNext, CancellationToken cancellationToken)
    {
        Task? delay = hasNext ? Task.Delay(AttemptDelay, _time, cancellationToken) : null;
        IEnumerable<Task> tasks = underWay.Select(static attempt => attempt.Task);
        Task done = await Task.WhenAny(delay is null ? tasks : tasks.Append(delay)).ConfigureAwait(false);
        return done == delay ? null : underWay.Find(attempt => attempt.Task == done);
    }

    private async Task<ClientWorker> AttemptAsync(Server server, CancellationToken cancellationToken)
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
                server.Last = worker;
            }

            return worker;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            OnFailed(server, attempt);
            throw;
        }
    }

    private void OnFailed(Server server, int attempt)
    {
        lock (_gate)
        {
            server.BackOff.OnFailed(attempt, _time.GetTimestamp(), Random.Shared.NextDouble());
        }
    }

    private static async Task CloseAsync(Task<ClientWorker> late)
    {
        await ((Task)late).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (late.IsCompletedSuccessfully)
        {
            await (await late.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<ClientWorker> CreateAsync(Server server, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(AttemptTimeout, _time);
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
        long now = _time.GetTimestamp();
        lock (_gate)
        {
            foreach (Server server in _servers)
            {
                if (server.Last?.Failure?.Reason == MainConnectionEnd.Timeout)
                {
                    // It went silent: no place for the next main connection.
                    server.Last = null;
                    server.BackOff.OnFailed(server.BackOff.Begin(), now, Random.Shared.NextDouble());
                }
            }

            // In the order they were given; sorting is stable.
            return [.. _servers.OrderBy(server => !server.BackOff.IsOver(now))];
        }
    }

    private sealed class Server(string name, IClientWorkerFactory factory, long ticksPerSecond)
    {
        // Guarded by _gate.
        public BackOff BackOff = new(ticksPerSecond, LongestWaitSeconds * ticksPerSecond);

        /// <summary>The last worker that was made of it. Guarded by the factory's gate.</summary>
        public ClientWorker? Last { get; set; }

        public string Name => name;

        public IClientWorkerFactory Factory => factory;
    }
}
