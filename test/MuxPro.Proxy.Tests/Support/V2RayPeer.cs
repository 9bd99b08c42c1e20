using System.Collections.Concurrent;
using System.Diagnostics;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A V2Ray of its own, as Debian packages it.</summary>
internal sealed class V2RayPeer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _file;
    private readonly ConcurrentQueue<string> _said = new();

    private V2RayPeer(Process process, string file) => (_process, _file) = (process, file);

    /// <summary>What it has said.</summary>
    public string Said => string.Join('\n', _said);

    /// <summary>Starts one and waits until it says that it runs.</summary>
    public static async Task<V2RayPeer> StartAsync(string json)
    {
        string file = Path.Combine(Path.GetTempPath(), $"muxpro-v2ray-{Guid.NewGuid():n}.json");
        await File.WriteAllTextAsync(file, json, TestContext.Current.CancellationToken);
        V2RayPeer? peer = null;
        try
        {
            peer = new V2RayPeer(Tool.Start("v2ray", "-config", file), file);
            await peer.ReadyAsync();
            return peer;
        }
        catch
        {
            if (peer is not null)
            {
                await peer.DisposeAsync();
            }

            // Where it is not installed, there is no peer that takes its file away.
            File.Delete(file);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Tool.EndAsync(_process);
        File.Delete(_file);
    }

    private async Task ReadyAsync()
    {
        // Nobody may fill the pipes.
        _ = CollectAsync(_process.StandardError);
        while (!Said.Contains("started", StringComparison.Ordinal))
        {
            _said.Enqueue(await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException($"v2ray has ended: {Said}"));
        }

        _ = CollectAsync(_process.StandardOutput);
    }

    private async Task CollectAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            {
                _said.Enqueue(line);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It has ended.
        }
    }
}
