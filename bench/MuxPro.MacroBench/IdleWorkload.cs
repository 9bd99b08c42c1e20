using System.Diagnostics;

namespace MuxPro.MacroBench;

/// <summary>Opens streams, exchanges one byte over each, holds them, and measures what the processes have grown by.</summary>
internal static class IdleWorkload
{
    private const int WarmupStreams = 100;

    // The cost of the first, the 1,000th and the last stream shows in the time per stream of such a batch.
    private const int Batch = 1000;

    public static async Task<Dictionary<string, double>> RunAsync(BenchClient client)
    {
        int streams = client.Options.Streams;
        var held = new BenchStream[WarmupStreams + streams];
        await OpenRangeAsync(client, held, 0, WarmupStreams);
        Snapshot before = await client.SnapshotAsync(collectGarbage: true);
        long start = Stopwatch.GetTimestamp();
        double firstBatch = 0;
        double lastBatch = 0;
        for (int from = WarmupStreams; from < held.Length; from += Batch)
        {
            long batchStart = Stopwatch.GetTimestamp();
            int to = Math.Min(held.Length, from + Batch);
            await OpenRangeAsync(client, held, from, to);
            lastBatch = Stopwatch.GetElapsedTime(batchStart).TotalMicroseconds / (to - from);
            firstBatch = from == WarmupStreams ? lastBatch : firstBatch;
        }

        double openSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        Snapshot natural = await client.SnapshotAsync();
        Snapshot collected = await client.SnapshotAsync(collectGarbage: true);
        GC.KeepAlive(held);

        double PerStream(long after, long earlier) => (after - earlier) / (double)streams;
        return new Dictionary<string, double>
        {
            ["idle_streams"] = streams,
            ["open_seconds"] = openSeconds,
            ["open_first_microseconds"] = firstBatch,
            ["open_last_microseconds"] = lastBatch,
            ["client_resident_per_stream"] = PerStream(natural.Client.ResidentBytes, before.Client.ResidentBytes),
            ["server_resident_per_stream"] = PerStream(natural.Server.ResidentBytes, before.Server.ResidentBytes),
            ["watched_resident_per_stream"] = PerStream(natural.Watched.ResidentBytes, before.Watched.ResidentBytes),
            ["client_bytes_per_idle_stream"] = PerStream(collected.Client.ResidentBytes, before.Client.ResidentBytes),
            ["server_bytes_per_idle_stream"] = PerStream(collected.Server.ResidentBytes, before.Server.ResidentBytes),
            ["client_managed_heap_per_stream"] = PerStream(collected.Client.ManagedHeapBytes, before.Client.ManagedHeapBytes),
            ["server_managed_heap_per_stream"] = PerStream(collected.Server.ManagedHeapBytes, before.Server.ManagedHeapBytes),
        };
    }

    private static async Task OpenRangeAsync(BenchClient client, BenchStream[] held, int from, int to)
    {
        int next = from - 1;
        await Task.WhenAll(Enumerable.Range(0, client.Options.Concurrency).Select(_ => Task.Run(async () =>
        {
            for (int index = Interlocked.Increment(ref next); index < to; index = Interlocked.Increment(ref next))
            {
                held[index] = await client.TouchAsync();
            }
        })));
    }
}
