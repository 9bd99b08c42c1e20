using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// The running program: inbounds, rules and outbounds of one configuration, which another one may replace at any time. What is open goes
/// on; what is new goes by the new one.
/// </summary>
internal sealed class Daemon : ISnapshots, IAsyncDisposable
{
    private static readonly TimeSpan KeysInterval = TimeSpan.FromSeconds(5);

    private readonly DaemonOptions _options;
    private readonly ILogger _logger;
    private readonly Listeners _listeners;
    private readonly FlowTable _flows;
    private readonly FlowIds _flowIds = new();
    private readonly SemaphoreSlim _applying = new(1);
    private readonly ITimer _keys;

    // Those that run, and those that were replaced while main connections of theirs were open.
    private volatile Inbound[] _inbounds = [];
    private volatile Inbound[] _leaving = [];
    private volatile Snapshot? _current;

    private Daemon(DaemonOptions options)
    {
        _options = options;
        _logger = options.LoggerFactory.CreateLogger("MuxPro.Proxy.Daemon");
        _listeners = new Listeners(options.Sockets, options.TimeProvider, _logger);
        _flows = new FlowTable(options.TimeProvider);
        _keys = options.TimeProvider.CreateTimer(static state => ((Daemon)state!).CloseRevoked(), this, KeysInterval, KeysInterval);
    }

    public Snapshot Current => _current ?? throw new InvalidOperationException("The daemon has no configuration yet.");

    public AccessLog AccessLog => _options.AccessLog;

    public TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>Where it listens, in the order of the configuration's inbounds.</summary>
    public IReadOnlyList<EndPoint> EndPoints => _listeners.EndPoints;

    /// <summary>What runs.</summary>
    public IReadOnlyList<Inbound> Inbounds => _inbounds;

    /// <summary>How many main connections are served.</summary>
    public int MainConnections => _inbounds.Concat(_leaving).Sum(static inbound => inbound.MainConnections.Count);

    /// <summary>How many connections are being served.</summary>
    public int OpenConnections => _listeners.OpenConnections;

    /// <summary>Starts with a configuration that has no problems.</summary>
    /// <param name="configuration">What to do.</param>
    /// <param name="keys">Has the files that it names, or reads them.</param>
    /// <param name="options">What it needs from outside.</param>
    /// <exception cref="ListenException">An address cannot be listened on.</exception>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public static async Task<Daemon> StartAsync(DaemonConfiguration configuration, KeyStore keys, DaemonOptions options)
    {
        var daemon = new Daemon(options);
        try
        {
            await daemon.ApplyAsync(configuration, keys);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Builds what a configuration says and lets it go again: what no check of the text finds is found here.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public static async Task TryAsync(DaemonConfiguration configuration, KeyStore keys, DaemonOptions options)
    {
        await using var daemon = new Daemon(options);
        daemon._current = Snapshot.Create(configuration, daemon.ToOutboundContext(configuration.Limits, keys), before: null);
        daemon.CreateInbounds(configuration, keys);
    }

    /// <summary>Replaces the configuration. Where that fails, the one before stays, whole.</summary>
    /// <exception cref="ListenException">An address cannot be listened on.</exception>
    /// <exception cref="ConfigurationException">A file cannot be used.</exception>
    public async Task ApplyAsync(DaemonConfiguration configuration, KeyStore keys)
    {
        await _applying.WaitAsync();
        try
        {
            Snapshot? before = _current;
            Snapshot next = Snapshot.Create(configuration, ToOutboundContext(configuration.Limits, keys), before);
            Listeners.Change change;
            try
            {
                change = _listeners.Prepare(CreateInbounds(configuration, keys), configuration.Limits.MaxConnections);
            }
            catch
            {
                Retire(next, except: before);
                throw;
            }

            // New sockets accept already: whoever is first goes by the new rules.
            _current = next;
            await _listeners.CommitAsync(change);
            Inbound[] replaced = [.. _inbounds.Except(change.Inbounds)];
            _leaving = [.. _leaving.Concat(replaced).Where(static inbound => inbound.MainConnections.Count > 0)];
            _inbounds = [.. change.Inbounds];
            Retire(replaced);
            if (before is not null)
            {
                Retire(before, except: next);
            }
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>Takes nothing new, and waits until what is open has ended.</summary>
    /// <param name="deadline">Ends the wait.</param>
    /// <returns>How many connections were still open then.</returns>
    public async Task<int> DrainAsync(CancellationToken deadline)
    {
        await _listeners.StopAcceptingAsync();
        Retire(_inbounds);
        Task<int[]> mains = Task.WhenAll(_inbounds.Concat(_leaving).Select(inbound => inbound.MainConnections.DrainAsync(deadline)));
        while (OpenConnections > 0 && !deadline.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider, deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        int cut = (await mains).Sum();
        return Math.Max(cut, OpenConnections);
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _listeners.DisposeAsync();
        foreach (Outbound outbound in _current?.Outbounds ?? [])
        {
            await outbound.DisposeAsync();
        }

        _applying.Dispose();
    }

    private static void Retire(IEnumerable<Inbound> inbounds)
    {
        foreach (Inbound inbound in inbounds)
        {
            inbound.Retire();
        }
    }

    private static void Retire(Snapshot snapshot, Snapshot? except)
    {
        foreach (Outbound outbound in snapshot.Outbounds.Except(except?.Outbounds ?? []))
        {
            outbound.Retire();
        }
    }

    private List<Inbound> CreateInbounds(DaemonConfiguration configuration, KeyStore keys)
    {
        var context = new InboundContext
        {
            TimeProvider = TimeProvider,
            LoggerFactory = _options.LoggerFactory,
            Keys = keys,
            DispatcherOf = source => new RoutedDispatcher(this, source),
            MuxOptions = ToMuxOptions(configuration.Limits),
            Flows = _flows,
            HalfCloseTimeout = TimeSpan.FromSeconds(configuration.Limits.HalfCloseTimeout),
            FlowIds = _flowIds,
            Sockets = _options.Sockets,
            MaxConnections = configuration.Limits.MaxConnections,
        };
        return
        [
            .. configuration.Inbounds.Select((inbound, index) =>
            {
                string tag = inbound.Tag.Length > 0 ? inbound.Tag : $"inbounds[{index}]";
                bool sameLimits = _current is null || SameConfiguration.Is(_current.Configuration.Limits, configuration.Limits);
                return _inbounds.FirstOrDefault(
                    running => sameLimits && running.Tag == tag && SameConfiguration.Is(running.Configuration, inbound))
                    ?? Inbound.Create(inbound, tag, context);
            }),
        ];
    }

    private OutboundContext ToOutboundContext(LimitsConfiguration limits, KeyStore keys) => new()
    {
        TimeProvider = TimeProvider,
        LoggerFactory = _options.LoggerFactory,
        Sockets = _options.Sockets,
        ConnectTimeout = TimeSpan.FromSeconds(limits.ConnectTimeout),
        Keys = keys,
        MuxOptions = ToMuxOptions(limits),
    };

    private MuxOptions ToMuxOptions(LimitsConfiguration limits) => new()
    {
        HandshakeTimeout = TimeSpan.FromSeconds(limits.HandshakeTimeout),
        DatagramIdleTimeout = TimeSpan.FromSeconds(limits.UdpTimeout),
        MuxCoolBuffer = limits.MuxCoolBuffer * 1024,
        MuxCoolGrace = TimeSpan.FromMilliseconds(limits.MuxCoolGrace),
        TimeProvider = TimeProvider,
        LoggerFactory = _options.LoggerFactory,
    };

    /// <summary>What a timer throws ends the process: here nothing may.</summary>
    private void CloseRevoked()
    {
        try
        {
            foreach (Inbound inbound in _inbounds.Concat(_leaving))
            {
                inbound.MainConnections.RefreshKeys();
            }
        }
        catch (Exception exception)
        {
            _logger.KeyCheckFailed(exception);
        }
    }
}

/// <summary>What a daemon needs from outside.</summary>
internal sealed record DaemonOptions
{
    public required ILoggerFactory LoggerFactory { get; init; }

    public required AccessLog AccessLog { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Most sockets at once.</summary>
    public SocketBudget Sockets { get; init; } = SocketBudget.OfProcess;
}
