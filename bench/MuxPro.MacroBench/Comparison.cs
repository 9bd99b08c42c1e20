using System.Globalization;
using System.Text.Json.Nodes;
using static MuxPro.MacroBench.Runs;

namespace MuxPro.MacroBench;

/// <summary>
/// Compares runs whose <c>side</c> is "old" with those whose side is "new". A ratio above 1 is better everywhere: where less is better, as
/// of latency, memory and processor time, it is the old figure over the new one.
/// </summary>
internal static class Comparison
{
    private static readonly Figure Megabytes = new("megabytes_per_second", "MB/s") { IsBound = true };
    private static readonly Figure Cpu = new("cpu_seconds_per_gib", "CPU s/GiB") { IsLessBetter = true };
    private static readonly Figure Microseconds50 = new("p50_microseconds", "p50 us") { IsLessBetter = true, IsBound = true };
    private static readonly Figure Microseconds99 = new("p99_microseconds", "p99 us") { IsLessBetter = true };
    private static readonly Figure RoundTrips = new("round_trips_per_second", "round trips/s");
    private static readonly Figure Streams = new("streams_per_second", "streams/s") { IsBound = true };
    private static readonly Figure ClientIdle = Memory("client_bytes_per_idle_stream", "client B/stream");
    private static readonly Figure ServerIdle = Memory("server_bytes_per_idle_stream", "server B/stream");
    private static readonly Figure ProxyCpu = new("watched_cpu_seconds_per_gib", "proxies' CPU s/GiB") { IsLessBetter = true };
    private static readonly Figure ProxyIdle = Memory("watched_resident_per_stream", "proxies' B/stream");
    private static readonly Figure Opened = new("open_seconds", "seconds to open") { IsLessBetter = true };

    /// <summary>Prints a table.</summary>
    /// <param name="input">Lines of JSON.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="bound">The least ratio of medians that a figure with a bound may have.</param>
    /// <returns>Whether every run came to an end and every figure kept its bound.</returns>
    public static bool Print(TextReader input, TextWriter output, double bound)
    {
        List<JsonObject> runs = Read(input);
        List<string> complaints = [];
        output.WriteLine("| workload, peer | figure | old | new | better by | rounds |  |");
        output.WriteLine("|---|---|--:|--:|--:|--:|---|");
        foreach (IGrouping<string, JsonObject> cell in runs.GroupBy(run => $"{Text(run, "workload")} {Text(run, "peer")}"))
        {
            string name = cell.Key;
            complaints.AddRange(cell.Where(run => run.ContainsKey("error"))
                .Select(run => $"{name}, {Text(run, "side")}, round {Text(run, "round")}: {Text(run, "error")}"));
            bool isMeasured = false;
            foreach (Figure figure in FiguresOf(name.Split(' ')[0]))
            {
                if (Ratio.Of(cell, figure) is not { } ratio)
                {
                    continue;
                }

                isMeasured = true;
                bool isWorse = figure.IsBound && ratio.OfMedians < bound;
                output.WriteLine(
                    $"| {name} | {figure.Title} | {Short(ratio.Old)} | {Short(ratio.New)} "
                    + $"| {Digits(ratio.OfMedians)} | {Digits(ratio.Least)}..{Digits(ratio.Most)} | {(isWorse ? "WORSE" : "")} |");
                if (isWorse)
                {
                    complaints.Add($"{name}: {figure.Title} is {Digits(ratio.OfMedians)}, below {Digits(bound)}.");
                }
            }

            if (!isMeasured)
            {
                complaints.Add($"{name}: no round has a figure of both sides.");
            }
        }

        if (runs.Count == 0)
        {
            complaints.Add("Nothing was measured.");
        }

        output.WriteLine();
        output.WriteLine(
            complaints.Count == 0 ? $"Nothing is below {Digits(bound)}." : string.Join('\n', complaints.Select(line => "- " + line)));
        return complaints.Count == 0;
    }

    private static Figure[] FiguresOf(string workload) => workload.Split('-') switch
    {
        ["w3" or "w3l", ..] or ["w10", "pingpong"] => [Microseconds50, Microseconds99, RoundTrips],
        ["w4", ..] => [Streams],
        ["w5", ..] => [ClientIdle, ServerIdle],
        ["w10", "idle"] => [ProxyIdle, Opened],
        ["w10", ..] => [Megabytes, ProxyCpu],
        _ => [Megabytes, Cpu],
    };

    private static Figure Memory(string key, string title) => new(key, title) { IsLessBetter = true, IsBound = true };

    private static string Digits(double ratio) => ratio.ToString("0.000", CultureInfo.InvariantCulture);

    private sealed record Figure(string Key, string Title)
    {
        public bool IsLessBetter { get; init; }

        /// <summary>Whether it may not become worse than the bound; the others vary too much, or follow from one that is bound.</summary>
        public bool IsBound { get; init; }
    }

    /// <summary>The medians of both sides, their ratio, and the least and the greatest ratio of a round.</summary>
    private sealed record Ratio(double Old, double New, double OfMedians, double Least, double Most)
    {
        /// <summary>The ratio of a figure, or <see langword="null"/> where no round has it on both sides.</summary>
        public static Ratio? Of(IEnumerable<JsonObject> runs, Figure figure)
        {
            List<(double Old, double New)> pairs = [];
            foreach (IGrouping<string, JsonObject> round in runs.GroupBy(run => Text(run, "round")))
            {
                if (Find(round, "old", figure) is { } old && Find(round, "new", figure) is { } fresh)
                {
                    pairs.Add((old, fresh));
                }
            }

            if (pairs.Count == 0)
            {
                return null;
            }

            double[] ratios = [.. pairs.Select(pair => Better(figure, pair.Old, pair.New))];
            double oldMedian = Median([.. pairs.Select(pair => pair.Old)]);
            double newMedian = Median([.. pairs.Select(pair => pair.New)]);
            return new Ratio(oldMedian, newMedian, Better(figure, oldMedian, newMedian), ratios.Min(), ratios.Max());
        }

        private static double? Find(IEnumerable<JsonObject> round, string side, Figure figure)
            => (double?)round.FirstOrDefault(run => Text(run, "side") == side)?[figure.Key];

        private static double Better(Figure figure, double old, double fresh) => figure.IsLessBetter ? old / fresh : fresh / old;
    }
}
