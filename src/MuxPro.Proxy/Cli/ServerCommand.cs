using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro server</c>: takes main connections and connects to the targets.</summary>
internal sealed class ServerCommand
{
    private readonly Option<string> _listen = Options.Listen("Where clients connect to, for example 0.0.0.0:9527.");
    private readonly Option<string> _key = Options.Key("This server's certificate and private key (PEM); 'muxpro keys' makes one.");
    private readonly Option<string> _authorized = new("--authorized")
    {
        Description = "Who may use this server: lines of 'sha256:HEX name [priority=N]'. Read again when it changes.",
        HelpName = "FILE",
    };
    private readonly Option<bool> _allowAnonymous = Options.Flag("--allow-anonymous", "Takes everybody who connects.");
    private readonly Option<bool> _plaintext = Options.Flag("--plaintext", "No TLS: everybody on the way reads along.");
    private readonly Option<bool> _allowPrivate = Options.Flag(
        "--allow-private", "Also connects to loopback, link-local, private and multicast targets, refused otherwise.");
    private readonly Option<int> _maxClients = Options.Number(
        "--max-clients", "Most main connections at once.", ProxyServerOptions.DefaultMaxClients, 1, 1_000_000);
    private readonly Option<int> _highestPriority = Options.Number(
        "--highest-priority", "The highest priority that clients may use, where their line says nothing else; 0 is served first.", 0, 0, byte.MaxValue);
    private readonly Option<int> _udpTimeout = Options.UdpTimeout("Seconds after which an idle flow of datagrams ends.");
    private readonly Option<int> _drainTimeout = Options.Number(
        "--drain-timeout", "Seconds that a stop (Ctrl-C, SIGTERM) waits for what is open; 0 for none.", 30, 0, 86_400);
    private readonly Option<string> _versions = Options.Versions();
    private readonly Option<string> _logLevel = Options.LogLevelOption();
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
            "Takes main connections and connects to the targets. Example: muxpro server --listen 0.0.0.0:9527 --key server.pem --authorized authorized")
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
        IPEndPoint listen = Options.ToEndPoint(_listen.Name, parsed.GetRequiredValue(_listen));
        string? keyPath = Options.ToPath(_key.Name, parsed.GetValue(_key));
        string? authorizedPath = Options.ToPath(_authorized.Name, parsed.GetValue(_authorized));
        bool plaintext = parsed.GetValue(_plaintext);
        IReadOnlyList<ProtocolVersion> versions = Options.ToVersions(_versions.Name, parsed.GetRequiredValue(_versions));
        Check(listen, keyPath, authorizedPath, plaintext, parsed.GetValue(_allowAnonymous));

        using ILoggerFactory loggers = ConsoleLogging.Create(Options.ToLogLevel(parsed.GetRequiredValue(_logLevel)));
        ILogger logger = loggers.CreateLogger("MuxPro.Proxy.Server");
        using KeyFile? key = plaintext ? null : Options.ToKey(_key.Name, keyPath!, logger);
        AuthorizedKeys? authorized = authorizedPath is null
            ? null : Options.Named(_authorized.Name, () => AuthorizedKeys.Load(authorizedPath, logger));
        bool allowPrivate = parsed.GetValue(_allowPrivate);
        await using ProxyServer server = CommandLine.Listen(listen, () => ProxyServer.Start(new ProxyServerOptions
        {
            Listen = listen,
            Key = key,
            Authorized = authorized,
            AllowPrivate = allowPrivate,
            MaxClients = parsed.GetValue(_maxClients),
            HighestPriority = (byte)parsed.GetValue(_highestPriority),
            DatagramTimeout = TimeSpan.FromSeconds(parsed.GetValue(_udpTimeout)),
            Versions = versions,
            LoggerFactory = loggers,
        }));

        string who = authorized is null ? "anybody" : $"{authorized.CountText} of {authorizedPath}";
        string how = key is null ? "no encryption" : $"TLS 1.3, key {key.Pin}";
        parsed.InvocationConfiguration.Output.WriteLine(
            $"muxpro server on {server.EndPoint}: {how}; for {who}; private targets are {(allowPrivate ? "allowed" : "refused")}.");
        await CommandLine.UntilStoppedAsync(cancellationToken);
        await DrainAsync(server, TimeSpan.FromSeconds(parsed.GetValue(_drainTimeout)), parsed.InvocationConfiguration.Output, logger);
        return ExitCode.Success;
    }

    /// <summary>Lets what is open finish, for a while.</summary>
    private async Task DrainAsync(ProxyServer server, TimeSpan timeout, TextWriter output, ILogger logger)
    {
        if (timeout == TimeSpan.Zero || server.MainConnections == 0)
        {
            return;
        }

        output.WriteLine(
            $"muxpro server stops: it takes nothing new and waits up to {timeout.TotalSeconds} s for what is open (main connections: {server.MainConnections}); "
            + "a second signal stops it at once.");
        using var enough = new CancellationTokenSource(timeout, TimeProvider.System);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, _now);
        if (await server.DrainAsync(deadline.Token) is int cut and > 0)
        {
            logger.CutByDrain(cut, _now.IsCancellationRequested ? "as a second signal wants it" : "--drain-timeout has passed");
        }
    }

    /// <summary>A server that strangers could use starts only if that was said.</summary>
    private static void Check(IPEndPoint listen, string? key, string? authorized, bool plaintext, bool allowAnonymous)
    {
        if (plaintext && (key is not null || authorized is not null))
        {
            throw new ConfigurationException("--plaintext: without TLS there are no keys to show or to check; leave --key and --authorized out.");
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
