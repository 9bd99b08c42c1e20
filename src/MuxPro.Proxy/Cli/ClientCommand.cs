using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Cli;

/// <summary><c>muxpro client</c>: takes applications' connections and carries them to a server.</summary>
internal sealed class ClientCommand
{
    private static readonly ClientStrategy Strategy = new();

    private readonly Option<string> _server = new("--server") { Description = "The server.", HelpName = "HOST:PORT", Required = true };
    private readonly Option<string> _key = Options.Key("This client's certificate and private key (PEM); not needed for a server that takes anybody.");
    private readonly Option<string> _pin = new("--pin") { Description = "The server's key.", HelpName = "sha256:HEX" };
    private readonly Option<bool> _ca = Options.Flag("--ca", "Checks the server's certificate by this system's authorities instead of --pin.");
    private readonly Option<string> _listen = Options.Listen("Where applications connect to, by SOCKS5 or HTTP.");
    private readonly Option<string[]> _user = new("--user")
    {
        Description = "Asks applications for this name and password; may be given several times.",
        HelpName = "NAME:PASSWORD",
    };
    private readonly Option<bool> _allowAnonymous = Options.Flag("--allow-anonymous", "Serves other hosts without asking for a password.");
    private readonly Option<bool> _plaintext = Options.Flag("--plaintext", "No TLS: everybody on the way reads along.");
    private readonly Option<int> _concurrency = Options.Number(
        "--concurrency", "Most connections at once over one main connection.", Strategy.MaxConcurrency, 1, ushort.MaxValue);
    private readonly Option<int> _maxConnection = Options.Number(
        "--max-connection", "Most connections that a main connection carries in its life; 0 for any number.", Strategy.MaxConnection, 0, int.MaxValue);
    private readonly Option<int> _maxClients = Options.Number(
        "--max-clients", "Most applications' connections at once.", ProxyClientOptions.DefaultMaxClients, 1, 1_000_000);
    private readonly Option<string> _logLevel = Options.LogLevelOption();

    private ClientCommand() => _listen.DefaultValueFactory = _ => Options.LoopbackProxy;

    public static Command Create()
    {
        var options = new ClientCommand();
        var command = new Command(
            "client",
            "Takes SOCKS5 and HTTP proxy connections and carries them to a server. Example: muxpro client --server relay.example:9527 --key client.pem --pin sha256:HEX")
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
            options._maxClients,
            options._logLevel,
        };
        command.SetAction(options.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Destination target = Options.ToTarget(_server.Name, parsed.GetRequiredValue(_server));
        IPEndPoint listen = Options.ToEndPoint(_listen.Name, parsed.GetRequiredValue(_listen));
        Users users = ToUsers(parsed.GetValue(_user) ?? []);
        bool plaintext = parsed.GetValue(_plaintext);
        string? keyPath = Options.ToPath(_key.Name, parsed.GetValue(_key));
        Pin? pin = parsed.GetValue(_pin) is string text ? Options.ToPin(_pin.Name, text) : null;
        CheckServer(keyPath, pin, parsed.GetValue(_ca), plaintext);
        CheckListen(listen, users, parsed.GetValue(_allowAnonymous));

        using ILoggerFactory loggers = ConsoleLogging.Create(Options.ToLogLevel(parsed.GetRequiredValue(_logLevel)));
        using KeyFile? key = keyPath is null ? null : Options.ToKey(_key.Name, keyPath, loggers.CreateLogger("MuxPro.Proxy.Client"));
        await using ProxyClient client = CommandLine.Listen(listen, () => ProxyClient.Start(new ProxyClientOptions
        {
            Servers = [new ServerAddress { Target = target, IsPlaintext = plaintext, Key = key, Pin = pin }],
            Listen = listen,
            Users = users,
            Strategy = new ClientStrategy
            {
                MaxConcurrency = parsed.GetValue(_concurrency),
                MaxConnection = parsed.GetValue(_maxConnection),
            },
            MaxClients = parsed.GetValue(_maxClients),
            LoggerFactory = loggers,
        }));

        string how = plaintext ? "no encryption" : "TLS 1.3";
        parsed.InvocationConfiguration.Output.WriteLine(
            $"muxpro client on {client.EndPoint} (SOCKS5 and HTTP), to {target.Host} port {target.Port} ({how}).");
        await CommandLine.UntilStoppedAsync(cancellationToken);
        return ExitCode.Success;
    }

    private Users ToUsers(string[] texts)
    {
        var users = new Users();
        for (int i = 0; i < texts.Length; i++)
        {
            // The text holds a password: it is not repeated on the screen.
            if (!users.TryAdd(texts[i]))
            {
                throw new ConfigurationException($"{_user.Name} number {i + 1}: is not a new NAME:PASSWORD with 1 to 255 bytes each.");
            }
        }

        return users;
    }

    private static void CheckServer(string? key, Pin? pin, bool ca, bool plaintext)
    {
        if (plaintext)
        {
            if (key is not null || pin is not null || ca)
            {
                throw new ConfigurationException("--plaintext: without TLS there are no keys to show or to check; leave --key, --pin and --ca out.");
            }
        }
        else if (pin is null == !ca)
        {
            throw new ConfigurationException(
                ca ? "--pin and --ca: only one of them can decide; leave one out."
                    : "how is the server recognised? Give its --pin sha256:HEX, or --ca for this system's authorities.");
        }
    }

    private static void CheckListen(IPEndPoint listen, Users users, bool allowAnonymous)
    {
        if (users.IsRequired && allowAnonymous)
        {
            throw new ConfigurationException("--user and --allow-anonymous contradict each other; leave one out.");
        }

        if (!users.IsRequired && !allowAnonymous && !IPAddress.IsLoopback(listen.Address))
        {
            throw new ConfigurationException(
                $"--listen {listen}: every host could use this proxy; say who may with --user NAME:PASSWORD, or --allow-anonymous.");
        }
    }
}
