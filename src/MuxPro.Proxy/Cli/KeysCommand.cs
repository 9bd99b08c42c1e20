using System.CommandLine;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro keys</c>: makes the keys of a server and of its first client.</summary>
internal static class KeysCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static Command Create()
    {
        var directory = new Option<string>("--out")
        {
            Description = "Where to write; made if it does not exist.",
            HelpName = "DIR",
            Required = true,
        };
        var command = new Command(
            "keys", "Makes server.pem, client.pem and the list of authorized keys; never overwrites. Example: muxpro keys --out keys")
        {
            directory,
        };
        command.SetAction(parsed => Run(
            CommonOptions.ToPath(directory.Name, parsed.GetRequiredValue(directory))!, parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(string directory, TextWriter output)
    {
        string serverPath = Path.Combine(directory, "server.pem");
        string clientPath = Path.Combine(directory, "client.pem");
        string authorizedPath = Path.Combine(directory, "authorized");
        foreach (string path in new[] { serverPath, clientPath, authorizedPath })
        {
            if (Path.Exists(path))
            {
                throw new ConfigurationException($"--out {directory}: {path} exists already and is not overwritten.");
            }
        }

        using var server = KeyFile.Create("muxpro server", TimeProvider.System);
        using var client = KeyFile.Create("muxpro client", TimeProvider.System);
        try
        {
            MakeDirectory(directory);
            server.Save(serverPath);
            client.Save(clientPath);
            KeyFile.WriteNew(authorizedPath, $"# Who may use the server: sha256:HEX name\n{client.Pin} client\n");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"--out {directory}: {Describe(exception)}", exception);
        }

        output.WriteLine($"""
            {serverPath}  {server.Pin}
            {clientPath}  {client.Pin}
            {authorizedPath}  has the line: {client.Pin} client

            The server:
              muxpro server --listen 0.0.0.0:9527 --key {Quote(serverPath)} --authorized {Quote(authorizedPath)}
            The client, which needs client.pem only; HOST is the server's name or address:
              muxpro client --server HOST:9527 --key {Quote(clientPath)} --pin {server.Pin} --listen {CommonOptions.LoopbackProxy}
            """);
        return ExitCode.Success;
    }

    /// <summary>A path as a shell reads it.</summary>
    private static string Quote(string path)
        => path.All(character => char.IsLetterOrDigit(character) || "/\\:._-+@~".Contains(character))
            ? path
            : OperatingSystem.IsWindows() ? $"\"{path}\"" : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Describe(Exception exception)
        => exception is UnauthorizedAccessException ? "writing there is not allowed." : exception.Message;

    private static void MakeDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, OwnerOnly);
        }
    }
}
