using System.ComponentModel;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>What the program does: read from files by <c>muxpro run</c>, made of options by the other verbs. Immutable.</summary>
[NotServed("policy", "the fields of 'limits'")]
[NotServed("dns", "names are looked up by the system's resolver")]
[NotServed("api", "the log, which 'log.access' and 'log.format' shape")]
[NotServed("stats", "the log, which 'log.access' and 'log.format' shape")]
[NotServed("transport", "'streamSettings' of each inbound and outbound")]
[NotServed("metrics", "the log, which 'log.access' and 'log.format' shape")]
[NotServed("reverse", "nothing: whoever dials a main connection opens its sub-connections")]
[NotServed("fakedns", "nothing: names go to the server as applications ask for them")]
[NotServed("observatory", "nothing: balancers know which outbounds work by the connections that they make")]
[NotServed("burstObservatory", "nothing: balancers know which outbounds work by the connections that they make")]
internal sealed record DaemonConfiguration
{
    [Description("What is logged, how and where to.")]
    public LogConfiguration Log { get; init; } = new();

    [Description("Where connections come in. At least one.")]
    public IReadOnlyList<InboundConfiguration> Inbounds { get; init; } = [];

    [Description("Where connections go out. The first one is taken where no rule of 'routing' says otherwise. At least one.")]
    public IReadOnlyList<OutboundConfiguration> Outbounds { get; init; } = [];

    [Description("Which outbound a connection takes, and its priority.")]
    public RoutingConfiguration Routing { get; init; } = new();

    [Description("How much and how long.")]
    public LimitsConfiguration Limits { get; init; } = new();

    /// <summary>What it has, in one line.</summary>
    public string Summary
        => string.Join(", ", Count(Inbounds.Count, "inbound"), Count(Outbounds.Count, "outbound"), Count(Routing.Rules.Count, "rule"));

    private static string Count(int count, string what)
        => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}

/// <summary>What is logged.</summary>
[NotServed("dnsLog", "nothing: names that are not found are logged as targets that are not reached")]
[NotServed("maskAddress", "\"access\": \"none\", where addresses are not to be kept")]
internal sealed record LogConfiguration
{
    [Description("The least that is logged: 'trace', 'debug', 'info', 'warning', 'error', 'critical' or 'none'.")]
    public LogSeverity Loglevel { get; init; } = LogSeverity.Warning;

    [Description("How a line of the log looks: 'console' for people, 'json' for programs, one object a line.")]
    public LogFormat Format { get; init; } = LogFormat.Console;

    [Description(
        "Where a line for each sub-connection goes when it has ended: empty for standard output, 'none' for nowhere, "
            + "otherwise a file that is appended to.")]
    public string Access { get; init; } = "";

    [Description("Where the other lines go: empty for standard error, 'none' for nowhere, otherwise a file that is appended to.")]
    public string Error { get; init; } = "";
}

/// <summary>The least severity that is logged.</summary>
internal enum LogSeverity
{
    Trace = LogLevel.Trace,
    Debug = LogLevel.Debug,
    [Alias("information")]
    Info = LogLevel.Information,
    Warning = LogLevel.Warning,
    Error = LogLevel.Error,
    Critical = LogLevel.Critical,
    None = LogLevel.None,
}

/// <summary>How the log looks.</summary>
internal enum LogFormat
{
    Console,
    Json,
}

/// <summary>How much and how long. Times are in seconds where nothing else is said.</summary>
internal sealed record LimitsConfiguration
{
    [Description("Most connections at once of each inbound; more are closed as they come.")]
    [Range(1, 1_000_000)]
    public int MaxConnections { get; init; } = 20_000;

    [Description("Seconds from accept until it is known where a connection wants to go.")]
    [Range(1, 3600)]
    public int HandshakeTimeout { get; init; } = 10;

    [Description("Seconds that connecting to a target or a server may take, looking its name up included.")]
    [Range(1, 3600)]
    public int ConnectTimeout { get; init; } = 10;

    [Description(
        "Seconds that one side of a connection may be silent when the other has ended its half. One that is gone as a whole is found "
            + "earlier, by TCP keep-alive.")]
    [Range(1, 86_400)]
    public int HalfCloseTimeout { get; init; } = 3600;

    [Description("Seconds after which a flow of datagrams ends when nothing moves.")]
    [Range(1, 86_400)]
    public int UdpTimeout { get; init; } = 60;

    [Description("Mux.Cool: KiB that a sub-connection may have received that is not read; with more, its main connection waits.")]
    [Range(16, 1_048_576)]
    public int MuxCoolBuffer { get; init; } = 1024;

    [Description(
        "Mux.Cool: milliseconds that a sub-connection with a full buffer may hold up others; a quarter of the buffer read gives it the "
            + "whole time again. Then it is ended.")]
    [Range(1, 3_600_000)]
    public int MuxCoolGrace { get; init; } = 500;

    [Description("Seconds that connections get to finish when the program is told to stop; 0 ends them at once.")]
    [Range(0, 86_400)]
    public int DrainTimeout { get; init; } = 30;
}
