using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration;
using MuxPro.Proxy.Hosting;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro run</c>: the daemon, as a configuration says, which may change while it runs.</summary>
internal sealed class RunCommand
{
    private readonly ConfigurationOptions _files = new();
    private readonly Option<bool> _dryRun = Options.Flag("--dry-run", "Does everything but listen, says whether it would work, and exits.");
    private readonly CancellationToken _now;

    private RunCommand(CancellationToken now) => _now = now;

    /// <param name="now">Asks not to finish anything before stopping.</param>
    public static Command Create(CancellationToken now)
    {
        var options = new RunCommand(now);
        var command = new Command("run", "Runs as a configuration says, which is read again when it changes. Example: muxpro run -c config.json");
        options._files.AddTo(command);
        command.Add(options._dryRun);
        command.SetAction(options.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        (TextWriter output, TextWriter error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        Func<IReadOnlyList<string>> files = _files.ToFiles(parsed);
        ConfigurationResult result = ConfigurationReader.Read(files());
        foreach (ConfigurationProblem problem in result.Problems)
        {
            error.WriteLine(problem);
        }

        if (result.Configuration is not { } configuration)
        {
            return ExitCode.BadConfiguration;
        }

        using var log = DaemonLog.Create(configuration.Log, output, error);
        var options = new DaemonOptions { LoggerFactory = log.LoggerFactory, AccessLog = log.Access };
        if (parsed.GetValue(_dryRun))
        {
            await Daemon.TryAsync(configuration, options);
            output.WriteLine($"{string.Join(", ", files())}: would run: {CheckCommand.Summary(configuration)}.");
            return ExitCode.Success;
        }

        Daemon daemon;
        try
        {
            daemon = await Daemon.StartAsync(configuration, options);
        }
        catch (ListenException exception)
        {
            error.WriteLine(result.Sources.Problem(exception.Inbound, "port", exception.Message));
            return ExitCode.Failure;
        }

        await using (daemon)
        {
            await ServeAsync(daemon, files, log, output, cancellationToken);
        }

        return ExitCode.Success;
    }

    private async Task ServeAsync(
        Daemon daemon, Func<IReadOnlyList<string>> files, DaemonLog log, TextWriter output, CancellationToken cancellationToken)
    {
        ILogger logger = log.LoggerFactory.CreateLogger("MuxPro.Proxy.Daemon");
        using var reloader = new Reloader(daemon, files, output, logger);
        using var watch = new ConfigurationWatch(files, () => _ = reloader.ReloadAsync("it has changed"), TimeProvider.System);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            log.Reopen();
            _ = reloader.ReloadAsync("SIGHUP");
        });
        output.WriteLine($"muxpro run: {CheckCommand.Summary(daemon.Current.Configuration)}; ready.");
        await output.FlushAsync(cancellationToken);
        var systemd = new SystemdNotifier();
        systemd.Notify(ServiceState.Ready);
        await CommandLine.UntilStoppedAsync(cancellationToken);
        systemd.Notify(ServiceState.Stopping);
        await DrainAsync(daemon, output, logger);
    }

    /// <summary>Lets what is open finish, for a while.</summary>
    private async Task DrainAsync(Daemon daemon, TextWriter output, ILogger logger)
    {
        var timeout = TimeSpan.FromSeconds(daemon.Current.Configuration.Limits.DrainTimeout);
        if (timeout == TimeSpan.Zero || daemon.OpenConnections == 0)
        {
            return;
        }

        output.WriteLine(
            $"muxpro run stops: it takes nothing new and waits up to {timeout.TotalSeconds} s for what is open (connections: {daemon.OpenConnections}); "
            + "a second signal stops it at once.");
        using var enough = new CancellationTokenSource(timeout, TimeProvider.System);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, _now);
        if (await daemon.DrainAsync(deadline.Token) is int cut and > 0)
        {
            logger.CutByDrain(cut, _now.IsCancellationRequested ? "as a second signal wants it" : "'limits.drainTimeout' has passed");
        }
    }
}
