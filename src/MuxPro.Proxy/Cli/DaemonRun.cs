using System.CommandLine;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Checks;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary>How verbs run a daemon: its start, the wait for the wish to stop, and its end.</summary>
internal static class DaemonRun
{
    /// <summary>Starts a daemon that options describe.</summary>
    /// <param name="configuration">What the options say.</param>
    /// <param name="keys">Has the keys that live in memory.</param>
    /// <param name="log">Its log.</param>
    /// <param name="files">The options that name a file, and the file.</param>
    /// <exception cref="ConfigurationException">
    /// A file cannot be used, and the message begins with the option that names it; or this system cannot do what the options say.
    /// </exception>
    /// <exception cref="IOException">The address is in use, or is none of this machine.</exception>
    public static async Task<Daemon> StartAsync(
        DaemonConfiguration configuration, KeyStore keys, DaemonLog log, params (Option<string> Option, string? File)[] files)
    {
        Check(configuration, Platform.Current);
        try
        {
            return await Daemon.StartAsync(configuration, keys,
                new DaemonOptions { LoggerFactory = log.LoggerFactory, AccessLog = log.Access });
        }
        catch (ConfigurationException exception) when (
            Array.Find(files, named => named.File is not null && named.File == exception.File).Option is { } option)
        {
            throw new ConfigurationException($"{option.Name} {exception.Message}", exception);
        }
    }

    /// <summary>Options ask for TLS 1.3 where they ask for TLS; only a configuration can ask for less.</summary>
    /// <exception cref="ConfigurationException">This system's TLS does not speak it.</exception>
    internal static void Check(DaemonConfiguration configuration, Platform platform)
    {
        IEnumerable<StreamConfiguration> streams =
        [
            .. configuration.Inbounds.Select(static inbound => inbound.StreamSettings),
            .. configuration.Outbounds.Select(static outbound => outbound.StreamSettings),
        ];
        if (streams.Any(stream => PlatformChecks.LacksTls13(stream, platform)))
        {
            throw new ConfigurationException(
                "the TLS of this system does not speak version 1.3, which this command needs; "
                + "'muxpro run' takes a configuration with \"minVersion\": \"1.2\".");
        }
    }

    /// <summary>Waits until the program is told to stop.</summary>
    public static Task UntilStoppedAsync(CancellationToken cancellationToken)
        => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>Lets what is open finish, for as long as the configuration allows.</summary>
    /// <param name="verb">The verb that runs it.</param>
    /// <param name="daemon">The daemon.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="logger">Gets how many were cut.</param>
    /// <param name="now">Asks not to wait any more.</param>
    public static async Task DrainAsync(string verb, Daemon daemon, TextWriter output, ILogger logger, CancellationToken now)
    {
        var timeout = TimeSpan.FromSeconds(daemon.Current.Configuration.Limits.DrainTimeout);
        if (timeout == TimeSpan.Zero || daemon.OpenConnections == 0)
        {
            return;
        }

        output.WriteLine(
            $"muxpro {verb} stops: it takes nothing new and waits up to {timeout.TotalSeconds} s for what is open "
            + $"(connections: {daemon.OpenConnections}); "
            + "a second signal stops it at once.");
        using var enough = new CancellationTokenSource(timeout, TimeProvider.System);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, now);
        if (await daemon.DrainAsync(deadline.Token) is int cut and > 0)
        {
            logger.CutByDrain(cut, now.IsCancellationRequested ? "as a second signal wants it"
                : "'limits.drainTimeout' (--drain-timeout) has passed");
        }
    }
}
