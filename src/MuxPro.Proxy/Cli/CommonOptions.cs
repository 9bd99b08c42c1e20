using System.CommandLine;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Cli;

/// <summary>The options that several verbs have, and how their values are read.</summary>
internal static class CommonOptions
{
    public const string LoopbackProxy = "127.0.0.1:1080";

    private static readonly (string Name, MuxVersion Version)[] VersionNames =
        [("private", MuxVersion.Private), ("0.1", MuxVersion.V0_1), ("0.0", MuxVersion.V0_0)];
    private static readonly string[] LogLevels = [.. Enum.GetNames<LogLevel>().Select(name => name.ToLowerInvariant())];

    public static Option<string> Listen(string description) => new("--listen") { Description = description, HelpName = "ADDR:PORT" };

    public static Option<string> Key(string description) => new("--key") { Description = description, HelpName = "FILE" };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<int> Number(string name, string description, int defaultValue, int least, int most)
    {
        var option = new Option<int>(name)
        {
            Description = $"{description} {least} to {most}.",
            HelpName = "N",
            DefaultValueFactory = _ => defaultValue,
        };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most)
            {
                return value;
            }

            result.AddError($"{name} '{text}': is no number from {least} to {most}.");
            return defaultValue;
        };
        return option;
    }

    /// <summary>One of some words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words)
    {
        var option = new Option<string>(name)
        {
            Description = description,
            HelpName = string.Join('|', words),
            DefaultValueFactory = _ => words[0],
        };
        option.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : words[0];
            if (!words.Contains(text))
            {
                result.AddError($"{name} '{text}': is none of {string.Join(", ", words)}.");
            }
        });
        option.CompletionSources.Add(words);
        return option;
    }

    public static Option<string> Versions() => new("--versions")
    {
        Description = "Versions of the protocol that are spoken, for example private,0.1,0.0; the highest that both ends speak is chosen.",
        HelpName = "V,V...",
        DefaultValueFactory = _ => string.Join(',', VersionNames.Select(static known => known.Name)),
    };

    public static Option<int> UdpTimeout(string description) => Number("--udp-timeout", description, 60, 1, 86_400);

    public static Option<string> LogLevelOption()
    {
        var option = new Option<string>("--log-level")
        {
            Description = "What is logged to standard error; 'information' has a line per finished connection.",
            HelpName = string.Join('|', LogLevels),
            DefaultValueFactory = _ => "warning",
        };
        option.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : LogLevels[0];
            if (!LogLevels.Contains(text, StringComparer.OrdinalIgnoreCase))
            {
                result.AddError($"{option.Name} '{text}': is none of {string.Join(", ", LogLevels)}.");
            }
        });
        option.CompletionSources.Add(LogLevels);
        return option;
    }

    /// <summary>
    /// The log of a verb that has no configuration file: all of it goes to standard error, with a line per connection from 'information'
    /// on.
    /// </summary>
    public static DaemonLog CreateLog(string level, TextWriter error)
    {
        LogLevel least = Enum.Parse<LogLevel>(level, ignoreCase: true);
        return DaemonLog.Create(
            new LogConfiguration { Loglevel = (LogSeverity)least, Access = least <= LogLevel.Information ? "" : DaemonLog.None },
            output: error, error);
    }

    public static IReadOnlyList<MuxVersion> ToVersions(string option, string text) => [.. text.Split(',').Select(name =>
    {
        int index = Array.FindIndex(VersionNames, known => known.Name == name.Trim());
        return index >= 0
            ? VersionNames[index].Version
            : throw new ConfigurationException(
                $"{option} '{text}': '{name.Trim()}' is none of {string.Join(", ", VersionNames.Select(static known => known.Name))}.");
    })];

    /// <summary>Reads a number of bytes: <c>1000</c>, <c>64K</c>, <c>10M</c>, <c>2G</c>; 0 for no limit.</summary>
    public static ByteSize ToBytes(string option, string text)
    {
        try
        {
            return ByteSize.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"{option} '{text}': is not {exception.Message}.", exception);
        }
    }

    /// <summary>Reads <c>ADDR:PORT</c>; <c>localhost</c> is 127.0.0.1.</summary>
    public static IPEndPoint ToEndPoint(string option, string text)
    {
        if (Destination.TryParse(text, out Destination? parsed) && parsed.Network == Network.Tcp)
        {
            if (parsed.Address is not null)
            {
                return new IPEndPoint(parsed.Address, parsed.Port);
            }

            if (parsed.Domain == "localhost")
            {
                return new IPEndPoint(IPAddress.Loopback, parsed.Port);
            }
        }

        throw new ConfigurationException(IsPortOutOfRange(text)
            ? $"{option} '{text}': a port is a number from 0 to 65535."
            : $"{option} '{text}': is not ADDRESS:PORT, for example {LoopbackProxy}, localhost:1080 or [::1]:1080.");
    }

    /// <summary>Reads <c>HOST:PORT</c> of another machine.</summary>
    public static Destination ToTarget(string option, string text)
        => Destination.TryParse(text, out Destination? parsed) && parsed.Network == Network.Tcp && parsed.Port > 0
            ? parsed
            : throw new ConfigurationException(IsPortOutOfRange(text) || (parsed is { Port: 0, Network: Network.Tcp })
                ? $"{option} '{text}': a port is a number from 1 to 65535."
                : $"{option} '{text}': is not HOST:PORT, for example relay.example:9527.");

    /// <summary>An inbound's address and port, of which 0 takes a free one.</summary>
    public static InboundConfiguration ToInbound(string tag, IPEndPoint listen, InboundSettings settings) => new()
    {
        Tag = tag,
        Listen = listen.Address.ToString(),
        Port = new PortRange(listen.Port, listen.Port),
        Settings = settings,
    };

    /// <summary>TLS of a server for main connections alone, or none.</summary>
    /// <param name="key">What it shows; <see langword="null"/> for no TLS.</param>
    /// <param name="clients">The keys of clients, where TLS alone decides who comes in.</param>
    public static StreamConfiguration ToServerStream(CertificateConfiguration? key, params IReadOnlyList<Pin> clients)
    {
        if (key is null)
        {
            return new StreamConfiguration();
        }

        return new StreamConfiguration
        {
            Security = TransportSecurity.Tls,
            TlsSettings = new TlsConfiguration
            {
                Certificates = [key],
                Alpn = ["muxpro"],
                VerifyClientCertificate = clients.Count > 0,
                Pins = clients,
            },
        };
    }

    /// <summary>TLS of a client, which shows a key where it has one.</summary>
    public static StreamConfiguration ToClientStream(CertificateConfiguration? key, IReadOnlyList<Pin> pins) => new()
    {
        Security = TransportSecurity.Tls,
        TlsSettings = new TlsConfiguration { Certificates = key is null ? [] : [key], Pins = pins },
    };

    public static Pin ToPin(string option, string text)
        => Pin.TryParse(text, out Pin? pin)
            ? pin
            : throw new ConfigurationException($"{option} '{text}': is not 'sha256:' and 64 hexadecimal digits.");

    /// <summary>A path that an option was given, or <see langword="null"/> where it was not.</summary>
    public static string? ToPath(string option, string? path)
        => path is null || path.Trim().Length > 0 ? path : throw new ConfigurationException($"{option} '{path}': is no path.");

    private static bool IsPortOutOfRange(string text)
    {
        ReadOnlySpan<char> port = text.AsSpan(text.LastIndexOf(':') + 1);
        return port.Length < text.Length - 1 && !port.IsEmpty && !port.ContainsAnyExceptInRange('0', '9') && !ushort.TryParse(port, out _);
    }
}
