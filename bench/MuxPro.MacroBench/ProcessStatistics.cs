using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;

namespace MuxPro.MacroBench;

/// <summary>What one process reports about itself. Both drivers use these names.</summary>
internal sealed record ProcessStatistics
{
    [JsonPropertyName("monotonic_seconds")]
    public double MonotonicSeconds { get; init; }

    [JsonPropertyName("cpu_user_seconds")]
    public double CpuUserSeconds { get; init; }

    [JsonPropertyName("cpu_system_seconds")]
    public double CpuSystemSeconds { get; init; }

    [JsonPropertyName("resident_bytes")]
    public long ResidentBytes { get; init; }

    [JsonPropertyName("peak_resident_bytes")]
    public long PeakResidentBytes { get; init; }

    [JsonPropertyName("managed_heap_bytes")]
    public long ManagedHeapBytes { get; init; }

    [JsonPropertyName("allocated_bytes")]
    public long AllocatedBytes { get; init; }

    [JsonPropertyName("received_bytes")]
    public long ReceivedBytes { get; init; }

    [JsonPropertyName("stream_received_bytes")]
    public long[] StreamReceivedBytes { get; init; } = [];

    [JsonIgnore]
    public double CpuSeconds => CpuUserSeconds + CpuSystemSeconds;

    public static ProcessStatistics OfThisProcess(bool collectGarbage)
    {
        if (collectGarbage)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        Environment.ProcessCpuUsage usage = Environment.CpuUsage;
        (long resident, long peak) = Memory("self");
        return new ProcessStatistics
        {
            MonotonicSeconds = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency,
            CpuUserSeconds = usage.UserTime.TotalSeconds,
            CpuSystemSeconds = usage.PrivilegedTime.TotalSeconds,
            ResidentBytes = resident,
            PeakResidentBytes = peak,
            ManagedHeapBytes = GC.GetTotalMemory(forceFullCollection: false),
            AllocatedBytes = GC.GetTotalAllocatedBytes(),
        };
    }

    /// <summary>Adds up CPU and memory of processes that are not ours, such as proxies.</summary>
    public static ProcessStatistics OfProcesses(IEnumerable<int> pids)
    {
        var sum = new ProcessStatistics();
        foreach (int pid in pids)
        {
            using var process = Process.GetProcessById(pid);
            (long resident, long peak) = Memory(pid.ToString(CultureInfo.InvariantCulture));
            sum = sum with
            {
                CpuUserSeconds = sum.CpuUserSeconds + process.UserProcessorTime.TotalSeconds,
                CpuSystemSeconds = sum.CpuSystemSeconds + process.PrivilegedProcessorTime.TotalSeconds,
                ResidentBytes = sum.ResidentBytes + resident,
                PeakResidentBytes = sum.PeakResidentBytes + peak,
            };
        }

        return sum;
    }

    private static (long Resident, long Peak) Memory(string process)
    {
        (long resident, long peak) = (0, 0);
        foreach (string line in File.ReadLines($"/proc/{process}/status"))
        {
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
            {
                resident = Kibibytes(line);
            }
            else if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
            {
                peak = Kibibytes(line);
            }
        }

        return (resident, peak);
    }

    private static long Kibibytes(string line)
    {
        ReadOnlySpan<char> number = line.AsSpan("VmRSS:".Length).Trim();
        return long.Parse(number[..number.IndexOf(' ')], CultureInfo.InvariantCulture) * 1024;
    }
}
