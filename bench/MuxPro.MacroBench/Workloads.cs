using System.Diagnostics;
using System.Net.Sockets;

namespace MuxPro.MacroBench;

/// <summary>What the client does and measures.</summary>
internal static class Workloads
{
    public static Task<Dictionary<string, double>> RunAsync(BenchClient client) => client.Options.Workload switch
    {
        "bulk" => BulkAsync(client),
        "pingpong" => PingPongAsync(client),
        "open" => OpenRateAsync(client),
        "idle" => IdleWorkload.RunAsync(client),
        string other => throw new ArgumentException($"unknown workload \"{other}\""),
    };

    private static async Task<Dictionary<string, double>> BulkAsync(BenchClient client)
    {
        Options options = client.Options;
        Counter stalled = await client.StartWritersAsync(options.StalledStreams, StreamCommand.Stall, options.Priority);
        await client.StartWritersAsync(options.Streams, StreamCommand.Sink, options.Priority);
        await Task.Delay(options.Warmup, TimeProvider.System);
        Snapshot before = await client.SnapshotAsync();
        await Task.Delay(options.Duration, TimeProvider.System);
        Snapshot after = await client.SnapshotAsync();

        Dictionary<string, double> result = Throughput(before, after);
        result["stalled_bytes_accepted"] = stalled.Value;
        return result;
    }

    private static async Task<Dictionary<string, double>> PingPongAsync(BenchClient client)
    {
        Options options = client.Options;
        await client.StartWritersAsync(options.BackgroundStreams, StreamCommand.Sink, options.BackgroundPriority);
        BenchStream stream = await client.OpenAsync(StreamCommand.Echo, options.Priority);
        await ExchangeAsync(stream, options.Warmup, []);
        Snapshot before = await client.SnapshotAsync();
        List<double> microseconds = new(1 << 20);
        await ExchangeAsync(stream, options.Duration, microseconds);
        Snapshot after = await client.SnapshotAsync();

        microseconds.Sort();
        double Quantile(double share) => microseconds[(int)(share * (microseconds.Count - 1))];
        Dictionary<string, double> result = options.BackgroundStreams > 0 ? Throughput(before, after) : [];
        result["round_trips_per_second"] = microseconds.Count / options.Duration.TotalSeconds;
        result["p50_microseconds"] = Quantile(0.50);
        result["p99_microseconds"] = Quantile(0.99);
        result["p999_microseconds"] = Quantile(0.999);
        return result;
    }

    private static async Task ExchangeAsync(BenchStream stream, TimeSpan duration, List<double> microseconds)
    {
        byte[] message = new byte[StreamCommand.MessageBytes];
        long now = Stopwatch.GetTimestamp();
        long end = now + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        do
        {
            long sent = now;
            await stream.WriteAsync(message);
            if (!await stream.TryReadExactlyAsync(message))
            {
                throw new IOException("the echo stream ended");
            }

            now = Stopwatch.GetTimestamp();
            microseconds.Add(Stopwatch.GetElapsedTime(sent, now).TotalMicroseconds);
        }
        while (now < end);
    }

    private static async Task<Dictionary<string, double>> OpenRateAsync(BenchClient client)
    {
        Options options = client.Options;
        var finished = new Counter();
        var failed = new Counter();
        using var stopping = new CancellationTokenSource();
        Task[] workers = [.. Enumerable.Range(0, options.Concurrency).Select(_ => Task.Run(async () =>
        {
            while (!stopping.IsCancellationRequested)
            {
                try
                {
                    BenchStream stream = await client.TouchAsync();
                    await stream.CloseAsync();
                    finished.Add(1);
                }
                catch (Exception exception) when (exception is IOException or SocketException or HttpRequestException or MuxException)
                {
                    failed.Add(1);
                }
            }
        }))];
        await Task.Delay(options.Warmup, TimeProvider.System);
        (long countBefore, long timeBefore) = (finished.Value, Stopwatch.GetTimestamp());
        await Task.Delay(options.Duration, TimeProvider.System);
        (long countAfter, double seconds) = (finished.Value, Stopwatch.GetElapsedTime(timeBefore).TotalSeconds);
        await stopping.CancelAsync();
        await Task.WhenAny(Task.WhenAll(workers), Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System));
        return new Dictionary<string, double>
        {
            ["streams_per_second"] = (countAfter - countBefore) / seconds,
            ["failed_streams"] = failed.Value,
        };
    }

    private static Dictionary<string, double> Throughput(Snapshot before, Snapshot after)
    {
        double bytes = after.Server.ReceivedBytes - before.Server.ReceivedBytes;
        double seconds = after.Server.MonotonicSeconds - before.Server.MonotonicSeconds;
        long[] perStream = [.. after.Server.StreamReceivedBytes
            .Select((total, i) => total - before.Server.StreamReceivedBytes.ElementAtOrDefault(i))];
        var result = new Dictionary<string, double>
        {
            ["megabytes_per_second"] = bytes / 1e6 / seconds,
            ["slowest_to_fastest_stream"] = perStream.DefaultIfEmpty().Min() / (double)Math.Max(1, perStream.DefaultIfEmpty().Max()),
            ["client_peak_resident_bytes"] = after.Client.PeakResidentBytes,
            ["server_peak_resident_bytes"] = after.Server.PeakResidentBytes,
            ["watched_peak_resident_bytes"] = after.Watched.PeakResidentBytes,
        };
        if (bytes > 0)
        {
            double perGibibyte = (1 << 30) / bytes;
            double perMebibyte = (1 << 20) / bytes;
            double client = (after.Client.CpuSeconds - before.Client.CpuSeconds) * perGibibyte;
            double server = (after.Server.CpuSeconds - before.Server.CpuSeconds) * perGibibyte;
            result["client_cpu_seconds_per_gib"] = client;
            result["server_cpu_seconds_per_gib"] = server;
            result["cpu_seconds_per_gib"] = client + server;
            result["watched_cpu_seconds_per_gib"] = (after.Watched.CpuSeconds - before.Watched.CpuSeconds) * perGibibyte;
            double clientAllocated = (after.Client.AllocatedBytes - before.Client.AllocatedBytes) * perMebibyte;
            double serverAllocated = (after.Server.AllocatedBytes - before.Server.AllocatedBytes) * perMebibyte;
            result["client_allocated_bytes_per_mib"] = clientAllocated;
            result["server_allocated_bytes_per_mib"] = serverAllocated;
            result["allocated_bytes_per_mib"] = clientAllocated + serverAllocated;
        }

        return result;
    }
}
