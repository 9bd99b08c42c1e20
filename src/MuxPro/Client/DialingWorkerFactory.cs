using Microsoft.Extensions.Logging;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>Makes workers by dialling: any way to a reliable byte stream is a delegate.</summary>
public sealed class DialingWorkerFactory : IClientWorkerFactory
{
    private readonly Func<CancellationToken, ValueTask<Link>> _dial;
    private readonly ClientStrategy _strategy;
    private readonly MuxOptions _options;
    private readonly ILogger _log;

    /// <summary>Makes the factory.</summary>
    /// <param name="dial">Connects to a server.</param>
    /// <param name="strategy">Limits of each worker; the default is <see cref="ClientStrategy"/>'s.</param>
    /// <param name="options">Settings of the main connections; the default is <see cref="MuxOptions"/>'s.</param>
    public DialingWorkerFactory(
        Func<CancellationToken, ValueTask<Link>> dial, ClientStrategy? strategy = null, MuxOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(dial);
        _dial = dial;
        _options = options ?? MuxOptions.Default;
        _strategy = (strategy ?? ClientStrategy.Default).For(_options.Protocol);
        _log = GuardedLogger.For<DialingWorkerFactory>(_options);
    }

    /// <summary>How many sub-connections a new worker has room for by its strategy.</summary>
    public int Capacity
        => _strategy.MaxConnection == 0 ? _strategy.MaxConcurrency : Math.Min(_strategy.MaxConcurrency, _strategy.MaxConnection);

    /// <summary>That of <see cref="MuxOptions.TimeProvider"/>.</summary>
    public TimeProvider TimeProvider => _options.TimeProvider;

    /// <inheritdoc/>
    /// <exception cref="MainConnectionException">The dial failed, or the server did not negotiate.</exception>
    public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            Link link = await _dial(cancellationToken).ConfigureAwait(false)
                ?? throw new InvalidOperationException("The dial delegate returned no link.");
            return await ClientWorker.StartAsync(link, _strategy, _options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            _log.DialFailed(exception.Message);
            if (exception is MainConnectionException)
            {
                throw;
            }

            throw new MainConnectionException(
                MainConnectionEnd.DialFailed, $"Dialling a main connection failed: {exception.Message}", exception);
        }
    }
}
