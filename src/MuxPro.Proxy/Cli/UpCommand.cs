using System.CommandLine;
using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro up</c>: client and server in one process, to see it work.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        Option<string> listen = CommonOptions.Listen("Where applications connect to, by SOCKS5 or HTTP.");
        listen.DefaultValueFactory = _ => CommonOptions.LoopbackProxy;
        Option<string> logLevel = CommonOptions.LogLevelOption();
        var command = new Command(
            "up", "Runs client and server in this process, with TLS between them and keys made for this run. Example: muxpro up")
        {
            listen,
            logLevel,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            CommonOptions.ToEndPoint(listen.Name, parsed.GetRequiredValue(listen)),
            parsed.GetRequiredValue(logLevel),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error,
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        IPEndPoint listen, string logLevel, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(listen.Address))
        {
            throw new ConfigurationException(
                $"--listen {listen}: other hosts could use this proxy and reach this machine's own services; "
                + "'up' listens on loopback only.");
        }

        using var serverKey = KeyFile.Create("muxpro server", TimeProvider.System);
        using var clientKey = KeyFile.Create("muxpro client", TimeProvider.System);
        var keys = new KeyStore();
        using DaemonLog log = CommonOptions.CreateLog(logLevel, error);
        await using Daemon server = await DaemonRun.StartAsync(ToServer(keys.Add(serverKey), clientKey.Pin), keys, log);
        var address = (IPEndPoint)server.EndPoints[0];
        await using Daemon client = await DaemonRun.StartAsync(ToClient(listen, address, keys.Add(clientKey), serverKey.Pin), keys, log);

        output.WriteLine($"""
            muxpro is up. Ctrl-C stops it.
              client  {client.EndPoints[0]}  takes SOCKS5 and HTTP proxy connections from this machine
              server  {address}  connects to the targets; private and loopback targets are allowed here
              between them: Mux.Pro over TLS 1.3, with keys made for this run

            Try it:
              curl --proxy socks5h://{client.EndPoints[0]} http://example.com/
            """);
        await DaemonRun.UntilStoppedAsync(cancellationToken);
        return ExitCode.Success;
    }

    private static DaemonConfiguration ToServer(CertificateConfiguration key, Pin client) => new()
    {
        Inbounds =
        [
            CommonOptions.ToInbound("server", new IPEndPoint(IPAddress.Loopback, 0),
                new MuxInboundSettings { Protocols = [MuxProtocolName.MuxPro] })
                with { StreamSettings = CommonOptions.ToServerStream(key, client) },
        ],
        Outbounds = [new OutboundConfiguration { Tag = "direct", Settings = new DirectOutboundSettings { AllowPrivate = true } }],
    };

    private static DaemonConfiguration ToClient(IPEndPoint listen, IPEndPoint server, CertificateConfiguration key, Pin pin) => new()
    {
        Inbounds = [CommonOptions.ToInbound("client", listen, new MixedInboundSettings { Udp = true, ForwardMux = true })],
        Outbounds =
        [
            new OutboundConfiguration
            {
                Tag = "server",
                Settings = new MuxOutboundSettings
                {
                    Servers = [new MuxServerConfiguration { Address = server.Address.ToString(), Port = server.Port }],
                },
                StreamSettings = CommonOptions.ToClientStream(key, [pin]),
            },
        ],
    };
}
