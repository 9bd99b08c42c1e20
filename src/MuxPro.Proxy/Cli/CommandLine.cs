using System.CommandLine;
using System.CommandLine.Help;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary>The program's verbs, and how it says what went wrong: in one line on standard error.</summary>
internal static class CommandLine
{
    // No RootCommand: that one is named after the assembly, and the program is not.
    private static Command Create(CancellationToken now)
        => new("muxpro", "Carries SOCKS5 and HTTP proxy connections over a few TLS connections (Mux.Pro).")
    {
        new HelpOption(),
        new VersionOption(),
        UpCommand.Create(),
        RunCommand.Create(now),
        CheckCommand.Create(),
        SchemaCommand.Create(),
        ServerCommand.Create(now),
        ClientCommand.Create(),
        KeysCommand.Create(),
    };

    /// <param name="args">The arguments of the program.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="stop">Asks to stop.</param>
    /// <param name="now">Then asks not to finish anything before.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        string[] args, TextWriter output, TextWriter error, CancellationToken stop, CancellationToken now = default)
    {
        if (args.Length == 0)
        {
            // Without a verb there is nothing to do: what there is to choose from, and the exit code of a mistake.
            await Create(now).Parse(["--help"]).InvokeAsync(new InvocationConfiguration { Output = error, Error = error }, stop);
            return ExitCode.BadConfiguration;
        }

        // A value that begins with @ is a value, such as a name or a password, and no file of more arguments.
        ParseResult parsed = Create(now).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            string verb = parsed.CommandResult == parsed.RootCommandResult ? "" : parsed.CommandResult.Command.Name + " ";
            string reason = parsed.UnmatchedTokens.Count > 0
                ? $"'{parsed.UnmatchedTokens[0]}' is not known here."
                : parsed.Errors[0].Message;
            return Fail(error, ExitCode.BadConfiguration, $"{reason} Try 'muxpro {verb}--help'.");
        }

        try
        {
            var configuration = new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,

                // Signals are ours: it would end the process while a server still drains.
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration, stop);
        }
        catch (ConfigurationException exception)
        {
            return Fail(error, ExitCode.BadConfiguration, exception.Message);
        }
        catch (Exception exception)
        {
            return Fail(error, ExitCode.Failure, exception.Message);
        }
    }

    private static int Fail(TextWriter error, int exitCode, string message)
    {
        error.WriteLine($"muxpro: {message.ReplaceLineEndings(" ")}");
        return exitCode;
    }
}
