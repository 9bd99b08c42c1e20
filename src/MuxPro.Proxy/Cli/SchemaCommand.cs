using System.CommandLine;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro schema</c>: what editors need to help with configurations.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var command = new Command(
            "schema", "Prints the JSON schema of configurations, for editors. Example: muxpro schema > config.schema.json");
        command.SetAction(static parsed => parsed.InvocationConfiguration.Output.Write(ConfigurationSchema.Create()));
        return command;
    }
}
