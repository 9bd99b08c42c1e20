// Draws the plots of docs/plots from the lines of JSON that bench/run.sh appends: MuxPro.Plots DIRECTORY <lines of JSON
using System.Globalization;
using System.Text.Json.Nodes;
using ScottPlot;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: MuxPro.Plots DIRECTORY <lines of JSON");
    return 1;
}

List<JsonObject> runs = [];
while (Console.In.ReadLine() is { } line)
{
    if (JsonNode.Parse(line) is JsonObject run && !run.ContainsKey("error"))
    {
        runs.Add(run);
    }
}

Directory.CreateDirectory(args[0]);
var draw = new Drawing(runs, args[0]);
draw.Lines("streams", "Bulk over one main connection", "streams", "MB/s", "megabytes_per_second", logarithmic: true, Alignment.LowerRight,
    [("w2-1", 1), ("w2-10", 10), ("w2", 100), ("w2-1000", 1_000), ("w2-10000", 10_000)]);
draw.Lines(
    "round-trip", "Bulk, one stream, 1 Gbit/s", "round-trip time, ms", "MB/s", "megabytes_per_second",
    logarithmic: false, Alignment.UpperRight,
    [("w6-10", 10), ("w6-50", 50), ("w6", 100), ("w6-200", 200)]);
draw.LatencyUnderLoad("latency", "64 B ping-pong beside 8 bulk streams");
return 0;

/// <summary>Medians of all runs of a peer, as plots.</summary>
internal sealed class Drawing(List<JsonObject> runs, string directory)
{
    private const int Width = 900;
    private const int Height = 540;

    // The raw connection is the ceiling, the others are compared.
    private static readonly string[] Order =
        ["muxpro", "muxpro, priority 0", "net-nerdbank", "net-http2", "go-yamux", "go-smux1", "go-smux2", "net-raw", "go-raw"];

    private static readonly ScottPlot.Palettes.Category10 Colors = new ScottPlot.Palettes.Category10();

    public void Lines(
        string name, string title, string xTitle, string yTitle, string key, bool logarithmic, Alignment legend,
        (string Workload, double X)[] points)
    {
        using Plot plot = Start(title, xTitle, yTitle);
        foreach (string peer in Order)
        {
            (double X, double Y)[] line = [.. points.Select(point => (point.X, Y: MedianOf(point.Workload, peer, key)))
                .Where(point => point.Y is not null).Select(point => (point.X, point.Y!.Value))];
            if (line.Length < 2)
            {
                continue;
            }

            double[] xs = [.. line.Select(point => logarithmic ? Math.Log10(point.X) : point.X)];
            double[] ys = [.. line.Select(point => point.Y)];
            Style(plot.Add.Scatter(xs, ys), peer);
        }

        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. points.Select(point => logarithmic ? Math.Log10(point.X) : point.X)],
            [.. points.Select(point => point.X.ToString("#,##0", CultureInfo.InvariantCulture))]);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top);
        Save(plot, name, legend);
    }

    /// <summary>Each peer is a point: what a small message waits (99 of 100 less) against what the bulk moves meanwhile.</summary>
    public void LatencyUnderLoad(string name, string title)
    {
        using Plot plot = Start(title, "MB/s of the bulk streams", "p99 of the ping-pong, us (logarithmic)");
        foreach (string peer in Order)
        {
            bool isFirst = peer.Contains(',', StringComparison.Ordinal);
            (string workload, string of) = isFirst ? ("w3l-high", peer.Split(',')[0]) : ("w3l", peer);
            if (MedianOf(workload, of, "megabytes_per_second") is { } x && MedianOf(workload, of, "p99_microseconds") is { } y)
            {
                Style(plot.Add.Scatter(new[] { x }, new[] { Math.Log10(y) }), peer);
                Text label = new(peer, x, Math.Log10(y));
                label.AddTo(plot);
            }
        }

        double[] ticks = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. ticks.Select(Math.Log10)], [.. ticks.Select(tick => tick.ToString("#,##0", CultureInfo.InvariantCulture))]);
        plot.Axes.AutoScale();
        AxisLimits limits = plot.Axes.GetLimits();
        plot.Axes.SetLimits(0, limits.Right * 1.15, Math.Min(2, limits.Bottom), limits.Top + 0.15);
        Save(plot, name, legend: null);
    }

    private static Plot Start(string title, string xTitle, string yTitle)
    {
        var plot = new Plot();
        plot.Title(title);
        plot.XLabel(xTitle);
        plot.YLabel(yTitle);
        return plot;
    }

    private static void Style(ScottPlot.Plottables.Scatter scatter, string peer)
    {
        bool isRaw = peer.EndsWith("-raw", StringComparison.Ordinal);
        bool isOurs = peer.StartsWith("muxpro", StringComparison.Ordinal);
        scatter.LegendText = peer;
        scatter.Color = isRaw ? ScottPlot.Colors.Gray : Colors.GetColor(Array.IndexOf(Order, peer));
        scatter.LineWidth = isOurs ? 3 : 1.5f;
        scatter.MarkerSize = isOurs ? 10 : 7;
    }

    private void Save(Plot plot, string name, Alignment? legend)
    {
        if (legend is { } alignment)
        {
            plot.ShowLegend(alignment);
        }
        else
        {
            plot.HideLegend();
        }

        plot.SavePng(Path.Combine(directory, name + ".png"), Width, Height);
        plot.SaveSvg(Path.Combine(directory, name + ".svg"), Width, Height);
    }

    private double? MedianOf(string workload, string peer, string key)
    {
        double[] values = [.. runs
            .Where(run => (string?)run["workload"] == workload && (string?)run["peer"] == peer && run[key] is not null)
            .Select(run => (double)run[key]!).Order()];
        return values.Length == 0 ? null : (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    private sealed record Text(string Value, double X, double Y)
    {
        public void AddTo(Plot plot)
        {
            ScottPlot.Plottables.Text text = plot.Add.Text(Value, X, Y);
            text.OffsetX = 8;
            text.OffsetY = Value == "go-smux2" ? 10 : -8; // its neighbour is near
            text.LabelFontSize = 13;
        }
    }
}
