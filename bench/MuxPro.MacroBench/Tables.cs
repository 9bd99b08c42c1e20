using System.Text.Json.Nodes;
using static MuxPro.MacroBench.Runs;

namespace MuxPro.MacroBench;

/// <summary>
/// Lines of JSON in, Markdown out: a table per workload, a row per peer, the median of its runs with the lowest and the highest.
/// </summary>
internal static class Tables
{
    private const double Mebibyte = 1.0 / (1 << 20);

    private static readonly Column Megabytes = new("megabytes_per_second", "MB/s") { IsCompared = true };
    private static readonly Column Microseconds50 = new("p50_microseconds", "p50 us") { IsCompared = true };
    private static readonly Column Microseconds99 = new("p99_microseconds", "p99 us") { IsCompared = true };
    private static readonly Column ClientPeak = new("client_peak_resident_bytes", "client peak MiB") { Scale = Mebibyte };
    private static readonly Column ServerPeak = new("server_peak_resident_bytes", "server peak MiB") { Scale = Mebibyte };
    private static readonly Column Shares = new("slowest_to_fastest_stream", "min/max share");
    private static readonly Column ProxyCpu = new("watched_cpu_seconds_per_gib", "proxies' CPU s/GiB");

    private static readonly Column[] Bulk =
    [
        Megabytes,
        new("client_cpu_seconds_per_gib", "client CPU s/GiB"),
        new("server_cpu_seconds_per_gib", "server CPU s/GiB"),
        new("cpu_seconds_per_gib", "both"),
        new("allocated_bytes_per_mib", "allocated B/MiB"),
        ClientPeak,
        ServerPeak,
    ];

    private static readonly Column[] ManyStreams = [Megabytes, Shares, ClientPeak, ServerPeak];
    private static readonly Column[] Latency = [Microseconds50, Microseconds99, new("round_trips_per_second", "round trips/s")];
    private static readonly Column[] LatencyUnderLoad = [Microseconds50, Microseconds99, Megabytes, Shares];

    private static readonly Column[] Idle =
    [
        new("client_bytes_per_idle_stream", "client B/stream"),
        new("server_bytes_per_idle_stream", "server B/stream"),
        new("client_resident_per_stream", "client before GC"),
        new("server_resident_per_stream", "server before GC"),
        new("open_first_microseconds", "us per open, first 1,000"),
        new("open_last_microseconds", "last 1,000"),
    ];

    private static readonly Column[] Stopped =
    [
        Megabytes with { Versus = "of undisturbed" },
        new("stalled_bytes_accepted", "KiB accepted for stopped") { Scale = 1.0 / 1024 },
        ClientPeak,
        ServerPeak,
    ];

    public static void Print(TextReader input, TextWriter output)
    {
        List<JsonObject> runs = Read(input);
        foreach (IGrouping<string, JsonObject> workload in runs.GroupBy(run => Text(run, "workload")))
        {
            (string title, Column[] columns) = Describe(workload.Key);
            output.WriteLine();
            output.WriteLine($"### {title}");
            output.WriteLine();
            PrintTable([.. workload], columns, runs, output);
        }
    }

    private static (string Title, Column[] Columns) Describe(string workload) => workload.Split('-') switch
    {
        ["w1"] => ("W1, W7: bulk, one stream", Bulk),
        ["w2"] => ("W2: bulk, 100 streams", ManyStreams),
        ["w2", string streams] => ($"W2: bulk, {streams} streams", ManyStreams),
        ["w3"] => ("W3: 64 B ping-pong, quiet", Latency),
        ["w3l"] => ("W3L: ping-pong beside 8 bulk streams of equal priority", LatencyUnderLoad),
        ["w3l", "high"] => ("W3L: ping-pong with priority 0 beside 8 bulk streams with 255", LatencyUnderLoad),
        ["w3l", "low"] => ("W3L: ping-pong with priority 255 beside 8 bulk streams with 0", LatencyUnderLoad),
        ["w4"] => ("W4: open, one byte each way, close; 64 at once",
            [new("streams_per_second", "streams/s") { IsCompared = true }, new("failed_streams", "failed")]),
        ["w5"] => ("W5: 10,000 idle streams, bytes each after GC", Idle),
        ["w5", string streams] => ($"W5: {streams} idle streams, bytes each after GC", Idle),
        ["w6"] => ("W6: bulk, one stream, 1 Gbit/s, round trip 100 ms", ManyStreams),
        ["w6", "budget"] => ("W6: bulk, 100 streams, 1 Gbit/s, round trip 100 ms, windows that grow by 4 MiB together", ManyStreams),
        ["w6", string milliseconds] => ($"W6: bulk, one stream, 1 Gbit/s, round trip {milliseconds} ms", ManyStreams),
        ["w8", string stopped] => ($"W8: 8 bulk streams beside {stopped} whose readers stopped", Stopped),
        ["w9"] => ("W9: bulk, one stream, TLS 1.3", Bulk),
        ["w10", "bulk"] => ("W10: SOCKS5, whole program: bulk, one stream", [Megabytes, ProxyCpu]),
        ["w10", "pingpong"] => ("W10: SOCKS5, whole program: 64 B ping-pong", Latency),
        ["w10", "idle"] => ("W10: SOCKS5, whole program: 10,000 idle streams",
            [new("watched_resident_per_stream", "proxies' B/stream"), new("open_seconds", "seconds to open")]),
        _ => (workload, [Megabytes, Microseconds50, Microseconds99, new("streams_per_second", "streams/s")]),
    };

    private static void PrintTable(JsonObject[] runs, Column[] columns, List<JsonObject> all, TextWriter output)
    {
        bool HasReference(Column column) => column.IsCompared && runs.Any(run => ReferenceOf(run, all) is { } other && other != run);
        string header = "| peer | runs |";
        string rule = "|---|--:|";
        foreach (Column column in columns)
        {
            bool isCompared = HasReference(column);
            header += $" {column.Title} |" + (isCompared ? $" {column.Versus} |" : "");
            rule += "--:|" + (isCompared ? "--:|" : "");
        }

        output.WriteLine(header);
        output.WriteLine(rule);
        foreach (IGrouping<string, JsonObject> peer in runs.GroupBy(run => Text(run, "peer")))
        {
            int failed = peer.Count(run => run.ContainsKey("error"));
            string row = $"| {peer.Key} | {peer.Count() - failed}{(failed > 0 ? $", {failed} failed" : "")} |";
            foreach (Column column in columns)
            {
                row += $" {Summary([.. Numbers(peer, column.Key).Select(number => number * column.Scale)])} |";
                row += HasReference(column) ? $" {Ratio(peer, all, column.Key)} |" : "";
            }

            output.WriteLine(row);
        }
    }

    /// <summary>The median of each run's figure over that of its reference in the same round.</summary>
    private static string Ratio(IEnumerable<JsonObject> runs, List<JsonObject> all, string key)
    {
        List<double> ratios = [];
        foreach (JsonObject run in runs)
        {
            if (ReferenceOf(run, all)?[key] is JsonNode below && run[key] is JsonNode above && (double)below != 0)
            {
                ratios.Add((double)above / (double)below);
            }
        }

        return ratios.Count == 0 ? "-" : Short(Median([.. ratios]));
    }

    /// <summary>
    /// What a run is compared with: the same peer where no reader stopped, else the raw connection of its language, in the same round.
    /// </summary>
    private static JsonObject? ReferenceOf(JsonObject run, List<JsonObject> all)
    {
        string workload = Text(run, "workload");
        bool isStopped = workload.StartsWith("w8-", StringComparison.Ordinal);
        string peer = isStopped ? Text(run, "peer") : RawOf(Text(run, "peer"));
        return all.Find(other => Text(other, "workload") == (isStopped ? "w8-0" : workload) && Text(other, "peer") == peer
            && Text(other, "round") == Text(run, "round") && Text(other, "started") == Text(run, "started"));
    }

    private static string RawOf(string peer)
    {
        if (peer.StartsWith("go-", StringComparison.Ordinal))
        {
            return "go-raw";
        }

        return peer.EndsWith("-tls", StringComparison.Ordinal) ? "net-raw-tls" : "net-raw";
    }

    private static double[] Numbers(IEnumerable<JsonObject> runs, string key)
        => [.. runs.Select(run => run[key]).OfType<JsonNode>().Select(node => (double)node)];

    private static string Summary(double[] values)
    {
        return values.Length switch
        {
            0 => "-",
            1 => Short(values[0]),
            _ => $"{Short(Median(values))} ({Short(values.Min())}..{Short(values.Max())})",
        };
    }

    private sealed record Column(string Key, string Title)
    {
        public double Scale { get; init; } = 1;

        /// <summary>Whether the ratio to the reference is shown, where there is one.</summary>
        public bool IsCompared { get; init; }

        /// <summary>What the reference is.</summary>
        public string Versus { get; init; } = "of raw";
    }
}
