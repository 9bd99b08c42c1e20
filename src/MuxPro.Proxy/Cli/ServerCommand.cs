using System.CommandLine;
using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro server</c>: takes main connections and connects to the targets.</summary>
internal sealed class ServerCommand
{
    private const int DefaultMaxClients = 4096;

    private readonly Option<string> _listen = CommonOptions.Listen("Where clients connect to, for example 0.0.0.0:9527.");
    private readonly Option<string> _key = CommonOptions.Key("This server's certificate and private key (PEM); 'muxpro keys' makes one.");
    private readonly Option<string> _authorized = new("--authorized")
    {
        Description = "Who may use this server: lines of 'sha256:HEX name [priority=N]'. Read again when it changes.",
        HelpName = "FILE",
    };
    private readonly Option<bool> _allowAnonymous = CommonOptions.Flag("--allow-anonymous", "Takes everybody who connects.");
    private readonly Option<bool> _plaintext = CommonOptions.Flag("--plaintext", "No TLS: everybody on the way reads along.");
    private readonly Option<bool> _allowPrivate = CommonOptions.Flag(
        "--allow-private", "Also connects to loopback, link-local, private and multicast targets, refused otherwise.");
    private readonly Option<int> _maxClients = CommonOptions.Number(
        "--max-clients", "Most main connections at once.", DefaultMaxClients, 1, 1_000_000);
    private readonly Option<int> _highestPriority = CommonOptions.Number(
        "--highest-priority", "The highest priority that clients may use, where their line says nothing else; 0 is served first.", 0, 0,
            byte.MaxValue);
    private readonly Option<int> _udpTimeout = CommonOptions.UdpTimeout("Seconds after which an idle flow of datagrams ends.");
    private readonly Option<int> _drainTimeout = CommonOptions.Number(
        "--drain-timeout", "Seconds that a stop (Ctrl-C, SIGTERM) waits for what is open; 0 for none.", 30, 0, 86_400);
    private readonly Option<string> _versions = CommonOptions.Versions();
    private readonly Option<string> _logLevel = CommonOptions.LogLevelOption();
    private readonly CancellationToken _now;

    private ServerCommand(CancellationToken now)
    {
        _now = now;
        _listen.Required = true;
    }

    /// <param name="now">A second wish to stop: nothing is waited for any more.</param>
    public static Command Create(CancellationToken now)
    {
        var options = new ServerCommand(now);
        var command = new Command(
            "server",
            "Takes main connections and connects to the targets. "
            + "Example: muxpro server --listen 0.0.0.0:9527 --key server.pem --authorized authorized")
        {
            options._listen,
            options._key,
            options._authorized,
            options._allowAnonymous,
            options._plaintext,
            options._allowPrivate,
            options._maxClients,
            options._highestPriority,
            options._udpTimeout,
            options._drainTimeout,
            options._versions,
            options._logLevel,
        };
        command.SetAction(options.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        IPEndPoint listen = CommonOptions.ToEndPoint(_listen.Name, parsed.GetRequiredValue(_listen));
        string? keyPath = CommonOptions.ToPath(_key.Name, parsed.GetValue(_key));
        string? authorizedPath = CommonOptions.ToPath(_authorized.Name, parsed.GetValue(_authorized));
        bool plaintext = parsed.GetValue(_plaintext);
        IReadOnlyList<MuxVersion> versions = CommonOptions.ToVersions(_versions.Name, parsed.GetRequiredValue(_versions));
        Check(listen, keyPath, authorizedPath, plaintext, parsed.GetValue(_allowAnonymous));

        bool allowPrivate = parsed.GetValue(_allowPrivate);
        var configuration = new DaemonConfiguration
        {
            Inbounds =
            [
                CommonOptions.ToInbound("server", listen, new MuxInboundSettings
                {
                    AuthorizedKeys = authorizedPath,
                    AllowAnonymous = authorizedPath is null,
                    Protocols = [MuxProtocolName.MuxPro],
                    Versions = versions,
                    HighestPriority = parsed.GetValue(_highestPriority),
                }) with { StreamSettings = CommonOptions.ToServerStream(keyPath is null ? null
                    : new CertificateConfiguration { CertificateFile = keyPath }) },
            ],
            Outbounds = [new OutboundConfiguration { Tag = "direct",
                Settings = new DirectOutboundSettings { AllowPrivate = allowPrivate } }],
            Limits = new LimitsConfiguration
            {
                MaxConnections = parsed.GetValue(_maxClients),
                UdpTimeout = parsed.GetValue(_udpTimeout),
                DrainTimeout = parsed.GetValue(_drainTimeout),
            },
        };

        using DaemonLog log = CommonOptions.CreateLog(parsed.GetRequiredValue(_logLevel), parsed.InvocationConfiguration.Error);
        await using Daemon daemon = await DaemonRun.StartAsync(configuration, new KeyStore(), log, (_key, keyPath),
            (_authorized, authorizedPath));
        Inbound inbound = daemon.Inbounds[0];
        string who = inbound.MainConnections.Authorized is { } authorized ? $"{authorized.CountText} of {authorized.Path}" : "anybody";
        string how = inbound.Pin is { } pin ? $"TLS 1.3, key {pin}" : "no encryption";
        parsed.InvocationConfiguration.Output.WriteLine(
            $"muxpro server on {daemon.EndPoints[0]}: {how}; for {who}; private targets are {(allowPrivate ? "allowed" : "refused")}.");
        await DaemonRun.UntilStoppedAsync(cancellationToken);
        await DaemonRun.DrainAsync("server", daemon, parsed.InvocationConfiguration.Output,
            log.LoggerFactory.CreateLogger("MuxPro.Proxy.Daemon"), _now);
        return ExitCode.Success;
    }

    /// <summary>A server that strangers could use starts only if that was said.</summary>
    private static void Check(IPEndPoint listen, string? key, string? authorized, bool plaintext, bool allowAnonymous)
    {
        if (plaintext && (key is not null || authorized is not null))
        {
            throw new ConfigurationException(
                "--plaintext: without TLS there are no keys to show or to check; leave --key and --authorized out.");
        }

        if (!plaintext && key is null)
        {
            throw new ConfigurationException("--key is missing; 'muxpro keys --out DIR' makes one, --plaintext does without.");
        }

        if (allowAnonymous && authorized is not null)
        {
            throw new ConfigurationException("--allow-anonymous and --authorized contradict each other; leave one out.");
        }

        if (authorized is null && !allowAnonymous && !IPAddress.IsLoopback(listen.Address))
        {
            throw new ConfigurationException(
                $"--listen {listen}: every host could use this server to reach others; "
                + (plaintext ? "without TLS nobody can be told apart: say --allow-anonymous, or listen on loopback."
                    : "say who may with --authorized FILE, or --allow-anonymous."));
        }
    }
}
