using System.CommandLine;
using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro client</c>: takes applications' connections and carries them to a server.</summary>
internal sealed class ClientCommand
{
    private const string LeastLoaded = "least-loaded";

    private static readonly MuxConfiguration Mux = new();
    private static readonly LimitsConfiguration Limits = new();

    private readonly Option<string[]> _server = new("--server")
    {
        Description = "The server; given several times, the next one is used where the one before is not to be had.",
        HelpName = "HOST:PORT",
        Required = true,
    };
    private readonly Option<string> _key = CommonOptions.Key(
        "This client's certificate and private key (PEM); not needed for a server that takes anybody.");
    private readonly Option<string[]> _pin = new("--pin")
    {
        Description = "The server's key: one for all servers, or one for each in their order.",
        HelpName = "sha256:HEX",
    };
    private readonly Option<bool> _ca = CommonOptions.Flag(
        "--ca", "Checks the server's certificate by this system's authorities instead of --pin.");
    private readonly Option<string> _listen = CommonOptions.Listen("Where applications connect to, by SOCKS5 or HTTP.");
    private readonly Option<string[]> _user = new("--user")
    {
        Description = "Asks applications for this name and password; may be given several times.",
        HelpName = "NAME:PASSWORD",
    };
    private readonly Option<bool> _allowAnonymous = CommonOptions.Flag(
        "--allow-anonymous", "Serves other hosts without asking for a password.");
    private readonly Option<bool> _plaintext = CommonOptions.Flag("--plaintext", "No TLS: everybody on the way reads along.");
    private readonly Option<int> _concurrency = CommonOptions.Number(
        "--concurrency", "Most connections at once over one main connection.", Mux.Concurrency, 1, ushort.MaxValue);
    private readonly Option<int> _maxConnection = CommonOptions.Number(
        "--max-connection", "Most connections that a main connection carries in its life; 0 for any number.", Mux.MaxConnection, 0,
        int.MaxValue);
    private readonly Option<int> _maxAge = CommonOptions.Number(
        "--max-age", "Seconds after which a main connection takes no new connection, less up to a tenth; 0 for never.", 0, 0, int.MaxValue);
    private readonly Option<int> _maxIdle = CommonOptions.Number(
        "--max-idle", "Seconds after which a main connection without a connection is closed, but for one spare; 0 keeps all.", Mux.MaxIdle,
        0, int.MaxValue);
    private readonly Option<string> _maxBytes = new("--max-bytes")
    {
        Description = "Bytes, both directions together, after which a main connection takes no new connection, "
            + "less up to a tenth: 10G; 0 for any number.",
        HelpName = "N[K|M|G]",
        DefaultValueFactory = _ => "0",
    };
    private readonly Option<int> _xudpConcurrency = CommonOptions.Number(
        "--xudp-concurrency", "Most UDP associations at once over a main connection of their own; 0: they share those of the others.",
        Mux.XudpConcurrency, 0, ushort.MaxValue);
    private readonly Option<string> _picker = CommonOptions.Choice(
        "--picker", "Which main connection with room gets a connection: the first one, or the one that carries the fewest.", "incremental",
        LeastLoaded);
    private readonly Option<int> _maxClients = CommonOptions.Number(
        "--max-clients", "Most applications' connections at once.", Limits.MaxConnections, 1, 1_000_000);
    private readonly Option<string[]> _priority = new("--priority")
    {
        Description = "Priorities by the destination's port, 0 is served first, 255 last: 22=0,443=64,8000-8999=200. Otherwise 128.",
        HelpName = "PORT=N",
    };
    private readonly Option<int> _udpTimeout = CommonOptions.UdpTimeout("Seconds after which an idle UDP association ends.");
    private readonly Option<string> _versions = CommonOptions.Versions();
    private readonly Option<string> _logLevel = CommonOptions.LogLevelOption();

    private ClientCommand() => _listen.DefaultValueFactory = _ => CommonOptions.LoopbackProxy;

    public static Command Create()
    {
        var options = new ClientCommand();
        var command = new Command(
            "client",
            "Takes SOCKS5 and HTTP proxy connections and carries them to a server. "
            + "Example: muxpro client --server relay.example:9527 --key client.pem --pin sha256:HEX")
        {
            options._server,
            options._key,
            options._pin,
            options._ca,
            options._listen,
            options._user,
            options._allowAnonymous,
            options._plaintext,
            options._concurrency,
            options._maxConnection,
            options._maxAge,
            options._maxIdle,
            options._maxBytes,
            options._xudpConcurrency,
            options._picker,
            options._maxClients,
            options._priority,
            options._udpTimeout,
            options._versions,
            options._logLevel,
        };
        command.SetAction(options.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Destination[] targets = [.. parsed.GetRequiredValue(_server).Select(text => CommonOptions.ToTarget(_server.Name, text))];
        IPEndPoint listen = CommonOptions.ToEndPoint(_listen.Name, parsed.GetRequiredValue(_listen));
        List<AccountConfiguration> users = ToUsers(parsed.GetValue(_user) ?? []);
        bool plaintext = parsed.GetValue(_plaintext);
        string? keyPath = CommonOptions.ToPath(_key.Name, parsed.GetValue(_key));
        Pin[] pins = [.. (parsed.GetValue(_pin) ?? []).Select(text => CommonOptions.ToPin(_pin.Name, text))];
        IReadOnlyList<MuxVersion> versions = CommonOptions.ToVersions(_versions.Name, parsed.GetRequiredValue(_versions));
        ByteSize maxBytes = CommonOptions.ToBytes(_maxBytes.Name, parsed.GetRequiredValue(_maxBytes));
        IReadOnlyList<RuleConfiguration> priorities = PriorityOption.ToRules(_priority.Name, parsed.GetValue(_priority) ?? []);
        CheckServers(targets, keyPath, pins, parsed.GetValue(_ca), plaintext);
        CheckListen(listen, users.Count > 0, parsed.GetValue(_allowAnonymous));

        var configuration = new DaemonConfiguration
        {
            Inbounds = [CommonOptions.ToInbound("client", listen,
                new MixedInboundSettings { Accounts = users, Udp = true, ForwardMux = true })],
            Outbounds =
            [
                new OutboundConfiguration
                {
                    Tag = "server",
                    Settings = new MuxOutboundSettings
                    {
                        Servers =
                        [
                            .. targets.Select((target, i) => new MuxServerConfiguration
                            {
                                Address = target.Host,
                                Port = target.Port,
                                Pins = pins.Length == 0 ? [] : [pins[pins.Length == 1 ? 0 : i]],
                            }),
                        ],
                    },
                    StreamSettings = plaintext ? new StreamConfiguration()
                        : CommonOptions.ToClientStream(keyPath is null ? null : new CertificateConfiguration { CertificateFile = keyPath },
                            pins: []),
                    Mux = new MuxConfiguration
                    {
                        Concurrency = parsed.GetValue(_concurrency),
                        MaxConnection = parsed.GetValue(_maxConnection),
                        MaxAge = parsed.GetValue(_maxAge),
                        MaxIdle = parsed.GetValue(_maxIdle),
                        MaxBytes = maxBytes,
                        XudpConcurrency = parsed.GetValue(_xudpConcurrency),
                        Picker = parsed.GetRequiredValue(_picker) == LeastLoaded ? MuxPicker.LeastLoaded : MuxPicker.Incremental,
                        Versions = versions,
                    },
                },
            ],
            Routing = new RoutingConfiguration { Rules = priorities },
            Limits = new LimitsConfiguration
            {
                MaxConnections = parsed.GetValue(_maxClients),
                UdpTimeout = parsed.GetValue(_udpTimeout),
                DrainTimeout = 0,
            },
        };

        using DaemonLog log = CommonOptions.CreateLog(parsed.GetRequiredValue(_logLevel), parsed.InvocationConfiguration.Error);
        await using Daemon daemon = await DaemonRun.StartAsync(configuration, new KeyStore(), log, (_key, keyPath));
        string how = plaintext ? "no encryption" : "TLS 1.3";
        string servers = string.Join(", else ", targets.Select(static target => $"{target.Host} port {target.Port}"));
        parsed.InvocationConfiguration.Output.WriteLine(
            $"muxpro client on {daemon.EndPoints[0]} (SOCKS5 and HTTP), to {servers} ({how}).");
        await DaemonRun.UntilStoppedAsync(cancellationToken);
        return ExitCode.Success;
    }

    private List<AccountConfiguration> ToUsers(string[] texts)
    {
        var users = new Users();
        var accounts = new List<AccountConfiguration>();
        for (int i = 0; i < texts.Length; i++)
        {
            // The text holds a password: it is not repeated on the screen.
            if (!users.TryAdd(texts[i]))
            {
                throw new ConfigurationException($"{_user.Name} number {i + 1}: is not a new NAME:PASSWORD with 1 to 255 bytes each.");
            }

            string[] parts = texts[i].Split(':', 2);
            accounts.Add(new AccountConfiguration { User = parts[0], Pass = parts[1] });
        }

        return accounts;
    }

    private static void CheckServers(Destination[] servers, string? key, Pin[] pins, bool ca, bool plaintext)
    {
        if (servers.GroupBy(static server => server).FirstOrDefault(static same => same.Count() > 1)?.Key is { } twice)
        {
            throw new ConfigurationException($"--server {twice.Host}:{twice.Port} is there twice.");
        }

        if (plaintext)
        {
            if (key is not null || pins.Length > 0 || ca)
            {
                throw new ConfigurationException(
                    "--plaintext: without TLS there are no keys to show or to check; leave --key, --pin and --ca out.");
            }
        }
        else if (pins.Length == 0 == !ca)
        {
            throw new ConfigurationException(
                ca ? "--pin and --ca: only one of them can decide; leave one out."
                    : "how is the server recognised? Give its --pin sha256:HEX, or --ca for this system's authorities.");
        }
        else if (pins.Length > 1 && pins.Length != servers.Length)
        {
            throw new ConfigurationException(
                $"--pin is there {pins.Length} times, --server {servers.Length} times: "
                + "give one pin for all servers, or one for each in their order.");
        }
    }

    private static void CheckListen(IPEndPoint listen, bool asksUsers, bool allowAnonymous)
    {
        if (asksUsers && allowAnonymous)
        {
            throw new ConfigurationException("--user and --allow-anonymous contradict each other; leave one out.");
        }

        if (!asksUsers && !allowAnonymous && !IPAddress.IsLoopback(listen.Address))
        {
            throw new ConfigurationException(
                $"--listen {listen}: every host could use this proxy; say who may with --user NAME:PASSWORD, or --allow-anonymous.");
        }
    }
}
