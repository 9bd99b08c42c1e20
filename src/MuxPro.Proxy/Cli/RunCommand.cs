using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro run</c>: the daemon, as a configuration says, which may change while it runs.</summary>
internal sealed class RunCommand
{
    private readonly ConfigurationOptions _files = new();
    private readonly Option<bool> _dryRun = CommonOptions.Flag(
        "--dry-run", "Does everything but listen, says whether it would work, and exits.");
    private readonly CancellationToken _now;

    private RunCommand(CancellationToken now) => _now = now;

    /// <param name="now">Asks not to finish anything before stopping.</param>
    public static Command Create(CancellationToken now)
    {
        var options = new RunCommand(now);
        var command = new Command(
            "run", "Runs as a configuration says, which is read again when it changes. Example: muxpro run -c config.json");
        options._files.AddTo(command);
        options._dryRun.Aliases.Add("-test"); // V2Ray's name for it.
        command.Add(options._dryRun);
        command.SetAction(options.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        (TextWriter output, TextWriter error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        Func<IReadOnlyList<string>> files = _files.ToFiles(parsed);
        var keys = new KeyStore();
        ConfigurationResult result = ConfigurationReader.Read(files(), keys.Check);
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
            await Daemon.TryAsync(configuration, keys, options);
            output.WriteLine($"{string.Join(", ", files())}: would run: {configuration.Summary}.");
            return ExitCode.Success;
        }

        Daemon daemon;
        try
        {
            daemon = await Daemon.StartAsync(configuration, keys, options);
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

        // On Windows this signal says that the console is closed, which ends the program.
        using PosixSignalRegistration? hangUp = OperatingSystem.IsWindows()
            ? null
            : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                log.Reopen();
                _ = reloader.ReloadAsync("SIGHUP");
            });
        output.WriteLine($"muxpro run: {daemon.Current.Configuration.Summary}; ready.");
        await output.FlushAsync(cancellationToken);
        var systemd = new SystemdNotifier();
        systemd.Notify(ServiceState.Ready);
        await DaemonRun.UntilStoppedAsync(cancellationToken);
        systemd.Notify(ServiceState.Stopping);
        await DaemonRun.DrainAsync("run", daemon, output, logger, _now);
    }
}
