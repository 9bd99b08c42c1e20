using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MuxPro.MacroBench.Peers;

namespace MuxPro.MacroBench;

/// <summary>What the processes of a run report at one moment.</summary>
internal readonly record struct Snapshot(ProcessStatistics Client, ProcessStatistics Server, ProcessStatistics Watched);

/// <summary>
/// The client process: its streams, and the questions about CPU, memory and bytes received that go over the control connection.
/// </summary>
internal sealed class BenchClient : IDisposable
{
    private readonly Socket _control;
    private readonly NetworkStream _requests;
    private readonly StreamReader _replies;
    private readonly IStreamOpener _opener;

    private BenchClient(Options options, Socket control, IStreamOpener opener)
    {
        Options = options;
        _control = control;
        _requests = new NetworkStream(control);
        _replies = new StreamReader(_requests);
        _opener = opener;
    }

    public Options Options { get; }

    public static async Task<BenchClient> ConnectAsync(Options options)
        => new(options, await Tcp.ConnectAsync(options.Control), await Multiplexers.ConnectAsync(options));

    public async Task<Snapshot> SnapshotAsync(bool collectGarbage = false)
    {
        await _requests.WriteAsync(Encoding.ASCII.GetBytes(collectGarbage ? "collect\n" : "stats\n"));
        string reply = await _replies.ReadLineAsync() ?? throw new IOException("the server went away");
        ProcessStatistics server = JsonSerializer.Deserialize<ProcessStatistics>(reply)!;
        return new Snapshot(ProcessStatistics.OfThisProcess(collectGarbage), server, ProcessStatistics.OfProcesses(Options.WatchPids));
    }

    public async Task<BenchStream> OpenAsync(byte command, byte priority = Session.DefaultPriority)
    {
        BenchStream stream = await _opener.OpenAsync(priority);
        await stream.WriteAsync(new[] { command });
        return stream;
    }

    /// <summary>Opens a stream and exchanges one byte over it.</summary>
    public async Task<BenchStream> TouchAsync()
    {
        BenchStream stream = await OpenAsync(StreamCommand.Touch, Options.Priority);
        return await stream.TryReadExactlyAsync(new byte[1]) ? stream : throw new IOException("the stream ended early");
    }

    /// <summary>Opens streams that write without end and returns the count of bytes written.</summary>
    public async Task<Counter> StartWritersAsync(int count, byte command, byte priority)
    {
        var written = new Counter();
        byte[] chunk = new byte[Options.ChunkBytes];
        for (int i = 0; i < count; i++)
        {
            BenchStream stream = await OpenAsync(command, priority);
            _ = Task.Run(async () =>
            {
                try
                {
                    await stream.WriteForEverAsync(chunk, written);
                }
                catch (Exception exception)
                {
                    // A writer that fails would otherwise show as a low figure and nothing else.
                    Console.Error.WriteLine($"writing failed: {exception}");
                    Environment.Exit(1);
                }
            });
        }

        return written;
    }

    public void Dispose()
    {
        _replies.Dispose();
        _requests.Dispose();
        _control.Dispose();
    }
}
