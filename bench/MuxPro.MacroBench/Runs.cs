using System.Globalization;
using System.Text.Json.Nodes;

namespace MuxPro.MacroBench;

/// <summary>Runs, each a line of JSON as <c>bench/lab.sh</c> prints it, and what tables say of their figures.</summary>
internal static class Runs
{
    public static List<JsonObject> Read(TextReader input)
    {
        List<JsonObject> runs = [];
        while (input.ReadLine() is { } line)
        {
            if (JsonNode.Parse(line) is JsonObject run)
            {
                runs.Add(run);
            }
        }

        return runs;
    }

    public static string Text(JsonObject run, string key) => run[key]?.ToString() ?? "";

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 0 ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle];
    }

    public static string Short(double value)
    {
        string format = Math.Abs(value) switch
        {
            0 or >= 100 => "#,##0",
            >= 10 => "0.0",
            _ => "0.00",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }
}
