using System.Globalization;
using System.Net;

namespace MuxPro.MacroBench;

/// <summary>The command line, the same as the Go driver's.</summary>
internal sealed record Options
{
    /// <summary>Which multiplexer; <see cref="Multiplexers"/> has the names.</summary>
    public string Peer { get; init; } = "net-raw";

    public IPEndPoint Listen { get; init; } = IPEndPoint.Parse("127.0.0.1:27100");

    public IPEndPoint Connect { get; init; } = IPEndPoint.Parse("127.0.0.1:27100");

    /// <summary>The control connection, plain TCP.</summary>
    public IPEndPoint Control { get; init; } = IPEndPoint.Parse("127.0.0.1:27101");

    /// <summary>net-raw: reach <see cref="Connect"/> through this SOCKS5 proxy.</summary>
    public IPEndPoint? Socks { get; init; }

    /// <summary>Further processes whose CPU and memory count.</summary>
    public int[] WatchPids { get; init; } = [];

    /// <summary>bulk | pingpong | open | idle.</summary>
    public string Workload { get; init; } = "bulk";

    /// <summary>bulk: writing streams; idle: streams to hold open.</summary>
    public int Streams { get; init; } = 1;

    /// <summary>bulk: further streams whose reader never reads.</summary>
    public int StalledStreams { get; init; }

    /// <summary>pingpong: bulk streams running meanwhile.</summary>
    public int BackgroundStreams { get; init; }

    /// <summary>Of the measured streams, where the multiplexer has priorities.</summary>
    public byte Priority { get; init; } = Session.DefaultPriority;

    /// <summary>Of the background streams, where the multiplexer has priorities.</summary>
    public byte BackgroundPriority { get; init; } = Session.DefaultPriority;

    /// <summary>open, idle: streams being opened at once.</summary>
    public int Concurrency { get; init; } = 64;

    /// <summary>bulk: bytes per application write.</summary>
    public int ChunkBytes { get; init; } = 65536;

    /// <summary>The library's own setting, 0 for its default.</summary>
    public long WindowBudget { get; init; }

    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    public static Options Parse(string[] arguments)
    {
        var options = new Options();
        if (arguments.Length % 2 != 0)
        {
            throw new ArgumentException($"{arguments[^1]} has no value");
        }

        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--peer" => options with { Peer = value },
                "--listen" => options with { Listen = IPEndPoint.Parse(value) },
                "--connect" => options with { Connect = IPEndPoint.Parse(value) },
                "--control" => options with { Control = IPEndPoint.Parse(value) },
                "--socks" => options with { Socks = IPEndPoint.Parse(value) },
                "--watch-pids" => options with { WatchPids = [.. value.Split(',').Select(Integer)] },
                "--workload" => options with { Workload = value },
                "--streams" => options with { Streams = Integer(value) },
                "--stalled-streams" => options with { StalledStreams = Integer(value) },
                "--background-streams" => options with { BackgroundStreams = Integer(value) },
                "--priority" => options with { Priority = (byte)Integer(value) },
                "--background-priority" => options with { BackgroundPriority = (byte)Integer(value) },
                "--concurrency" => options with { Concurrency = Integer(value) },
                "--window-budget" => options with { WindowBudget = Integer(value) },
                "--chunk-bytes" => options with { ChunkBytes = Integer(value) },
                "--warmup-seconds" => options with { Warmup = Seconds(value) },
                "--seconds" => options with { Duration = Seconds(value) },
                _ => throw new ArgumentException($"unknown flag {arguments[i]}"),
            };
        }

        return options;
    }

    private static int Integer(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));
}
