using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro up</c>: client and server in one process, to see it work.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        Option<string> listen = Options.Listen("Where applications connect to, by SOCKS5 or HTTP.");
        listen.DefaultValueFactory = _ => Options.LoopbackProxy;
        Option<string> logLevel = Options.LogLevelOption();
        var command = new Command(
            "up", "Runs client and server in this process, with TLS between them and keys made for this run. Example: muxpro up")
        {
            listen,
            logLevel,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            Options.ToEndPoint(listen.Name, parsed.GetRequiredValue(listen)),
            Options.ToLogLevel(parsed.GetRequiredValue(logLevel)),
            parsed.InvocationConfiguration.Output,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(IPEndPoint listen, LogLevel logLevel, TextWriter output, CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(listen.Address))
        {
            throw new ConfigurationException(
                $"--listen {listen}: other hosts could use this proxy and reach this machine's own services; 'up' listens on loopback only.");
        }

        using ILoggerFactory loggers = ConsoleLogging.Create(logLevel);
        using var serverKey = KeyFile.Create("muxpro server", TimeProvider.System);
        using var clientKey = KeyFile.Create("muxpro client", TimeProvider.System);
        var reasons = new TargetReasons();
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        await using ProxyServer server = CommandLine.Listen(loopback, () => ProxyServer.Start(new ProxyServerOptions
        {
            Listen = loopback,
            Key = serverKey,
            Authorized = AuthorizedKeys.Of(clientKey.Pin, "up", loggers.CreateLogger("MuxPro.Proxy.Server")),
            AllowPrivate = true,
            Reasons = reasons,
            LoggerFactory = loggers,
        }));
        await using ProxyClient client = CommandLine.Listen(listen, () => ProxyClient.Start(new ProxyClientOptions
        {
            Servers = [new ServerAddress { Target = Destination.Tcp(server.EndPoint.Address, server.EndPoint.Port), Key = clientKey, Pin = serverKey.Pin }],
            Listen = listen,
            Reasons = reasons,
            LoggerFactory = loggers,
        }));

        output.WriteLine($"""
            muxpro is up. Ctrl-C stops it.
              client  {client.EndPoint}  takes SOCKS5 and HTTP proxy connections from this machine
              server  {server.EndPoint}  connects to the targets; private and loopback targets are allowed here
              between them: Mux.Pro over TLS 1.3, with keys made for this run

            Try it:
              curl --proxy socks5h://{client.EndPoint} http://example.com/
            """);
        await CommandLine.UntilStoppedAsync(cancellationToken);
        return ExitCode.Success;
    }
}
