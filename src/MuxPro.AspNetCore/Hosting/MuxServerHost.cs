using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MuxPro.AspNetCore.Transport;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>The server of a host: runs its main connections, whatever they came over, and ends them when the host stops.</summary>
internal sealed class MuxServerHost : IDisposable
{
    private readonly MuxServerOptions _options;
    private readonly MuxOptions _muxOptions;
    private readonly SubConnectionRouter _router;
    private readonly Server _server;
    private readonly ILogger _log;
    private readonly Lazy<Task> _stop;
    private readonly CancellationTokenSource _close = new();
    private int _endpoints;
    private int _mainConnections;

    public MuxServerHost(
        IOptions<MuxServerOptions> options,
        SubConnectionRouter router,
        IServiceProvider services,
        ILogger<MuxServerHost> log,
        IHostApplicationLifetime? lifetime = null)
    {
        _options = options.Value;
        _muxOptions = _options.ToMuxOptions(services);
        _router = router;
        _log = log;
        _server = new Server(_options.Dispatcher, _muxOptions);
        _stop = new Lazy<Task>(StopAsync);
        lifetime?.ApplicationStopping.UnsafeRegister(static self => _ = ((MuxServerHost)self!)._stop.Value, this);
    }

    /// <summary>How many places take main connections.</summary>
    public int Endpoints => Volatile.Read(ref _endpoints);

    public int OpenMainConnections => Volatile.Read(ref _mainConnections);

    public bool IsStopping => _stop.IsValueCreated;

    /// <summary>A host that ends without having stopped leaves nothing open.</summary>
    public void Dispose() => _close.Cancel();

    public void AddEndpoint() => Interlocked.Increment(ref _endpoints);

    /// <summary>Runs a main connection to its end. Does not fail by what a client does.</summary>
    /// <param name="link">The main connection; owned from now on.</param>
    /// <param name="info">What is known of what is below it.</param>
    /// <param name="features">Of what is below it.</param>
    public async Task RunAsync(Link link, MainConnectionInfo info, IFeatureCollection features)
    {
        using var close = CancellationTokenSource.CreateLinkedTokenSource(_close.Token);

        // Kestrel gives up an endpoint, not only when the host stops: then all main connections are drained together.
        CancellationToken closeRequested =
            features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        await using CancellationTokenRegistration registration = closeRequested.UnsafeRegister(
            _ =>
            {
                if (!IsStopping)
                {
                    close.Cancel();
                }
            },
            null);
        Interlocked.Increment(ref _mainConnections);
        try
        {
            long number = 0;
            await _server.RunAsync(
                link,
                session => _router.Find(session.Destination)?.TryAdd(
                    new SubConnectionContext(session, info, Interlocked.Increment(ref number))) == true,
                close.Token);
        }
        finally
        {
            Interlocked.Decrement(ref _mainConnections);
        }
    }

    private async Task StopAsync()
    {
        using var deadline = new CancellationTokenSource(_options.DrainTimeout, _muxOptions.TimeProvider);
        int cut = await _server.DrainAsync(deadline.Token);
        if (cut > 0)
        {
            _log.SubConnectionsCut(cut, _options.DrainTimeout);
        }

        await _close.CancelAsync();
    }
}
