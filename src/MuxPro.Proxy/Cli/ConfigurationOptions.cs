using System.CommandLine;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary>The options that say which files are the configuration.</summary>
internal sealed class ConfigurationOptions
{
    private const string DefaultFile = "config.json";

    // Each with one dash as well, as V2Ray's are: -config would be read as -c with the value "onfig".
    private readonly Option<string[]> _config = new("--config", "-c", "-config")
    {
        Description =
            $"A file of the configuration; '-' is standard input. May be repeated: later ones add to earlier ones. Default: {DefaultFile}",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string> _directory = new("--confdir", "-confdir")
    {
        Description = "A directory whose *.json and *.jsonc files come after those, in the order of their names.",
        HelpName = "DIR",
    };

    public void AddTo(Command command)
    {
        command.Add(_config);
        command.Add(_directory);
    }

    /// <summary>Names the files that count now: those of a directory may come and go.</summary>
    /// <exception cref="ConfigurationException">There are none.</exception>
    public Func<IReadOnlyList<string>> ToFiles(ParseResult parsed)
    {
        string[] named = parsed.GetValue(_config) ?? [];
        string? directory = parsed.GetValue(_directory);
        if (named.Length == 0 && directory is null)
        {
            if (!File.Exists(DefaultFile))
            {
                throw new ConfigurationException($"there is no {DefaultFile} here; name the configuration with -c FILE or --confdir DIR.");
            }

            named = [DefaultFile];
        }

        if (directory is not null && ConfigurationReader.FilesOf(directory).Count == 0 && named.Length == 0)
        {
            throw new ConfigurationException($"--confdir {directory}: has no *.json or *.jsonc file.");
        }

        return () => directory is null ? named : [.. named, .. ConfigurationReader.FilesOf(directory)];
    }
}
