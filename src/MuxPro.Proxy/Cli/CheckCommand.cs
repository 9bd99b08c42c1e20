using System.CommandLine;
using System.Globalization;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro check</c>: says everything that is wrong with a configuration.</summary>
internal sealed class CheckCommand
{
    private readonly ConfigurationOptions _files = new();

    private CheckCommand()
    {
    }

    public static Command Create()
    {
        var options = new CheckCommand();
        var command = new Command("check", "Says everything that is wrong with a configuration. Example: muxpro check -c config.json");
        options._files.AddTo(command);
        command.Add(new Option<bool>("-test") { Hidden = true }); // V2Ray's: to check is what this verb does.
        command.SetAction(options.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        IReadOnlyList<string> files = _files.ToFiles(parsed)();
        ConfigurationResult result = ConfigurationReader.Read(files, new KeyStore().Check);
        TextWriter error = parsed.InvocationConfiguration.Error;
        foreach (ConfigurationProblem problem in result.Problems)
        {
            error.WriteLine(problem);
        }

        if (result.Configuration is not { } configuration)
        {
            error.WriteLine($"muxpro: {Count(result.Problems.Count(static problem => !problem.IsWarning), "problem")}.");
            return ExitCode.BadConfiguration;
        }

        parsed.InvocationConfiguration.Output.WriteLine($"{string.Join(", ", files)}: good: {configuration.Summary}.");
        return ExitCode.Success;
    }

    private static string Count(int count, string what)
        => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}
