// Measures stream multiplexers over one main connection. One process runs as "server", another as "client"; the Go driver in bench/go takes
// the same flags and prints the same JSON. "table" turns the lines of many runs into Markdown, "compare" those of two builds into ratios.
using System.Globalization;
using System.Text.Json;
using MuxPro.MacroBench;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: MuxPro.MacroBench server|client [flags], or table|compare BOUND <lines of JSON");
    return 1;
}

try
{
    switch (args[0])
    {
        case "server":
            await new BenchServer(Options.Parse(args[1..])).RunAsync();
            return 0;
        case "client":
            using (BenchClient client = await BenchClient.ConnectAsync(Options.Parse(args[1..])))
            {
                Console.WriteLine(JsonSerializer.Serialize(await Workloads.RunAsync(client)));
            }

            // Not by returning: writers that never end hold nothing worth waiting for.
            Environment.Exit(0);
            return 0;
        case "table":
            Tables.Print(Console.In, Console.Out);
            return 0;
        case "compare" when args.Length == 2:
            return Comparison.Print(Console.In, Console.Out, double.Parse(args[1], CultureInfo.InvariantCulture)) ? 0 : 1;
        default:
            throw new ArgumentException($"unknown role \"{args[0]}\"");
    }
}
catch (Exception exception)
{
    Console.Error.WriteLine(exception);
    Environment.Exit(1);
    return 1;
}
