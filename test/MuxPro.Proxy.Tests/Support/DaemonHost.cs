using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>The daemon in this process, with a configuration as a user would write it.</summary>
internal sealed class DaemonHost : IAsyncDisposable
{
    private DaemonHost(Daemon daemon, LogCollector log) => (Daemon, Log) = (daemon, log);

    public Daemon Daemon { get; }

    public LogCollector Log { get; }

    public static async Task<DaemonHost> StartAsync(string json, TimeProvider? time = null)
    {
        var log = new LogCollector();
        var options = new DaemonOptions
        {
            LoggerFactory = log,
            AccessLog = new AccessLog(log),
            TimeProvider = time ?? TimeProvider.System,
            Sockets = new SocketBudget(int.MaxValue),
        };
        return new DaemonHost(await Daemon.StartAsync(Read(json), new KeyStore(), options), log);
    }

    /// <summary>Reads a configuration that has no problems.</summary>
    public static DaemonConfiguration Read(string json)
    {
        ConfigurationResult result = Checked.ReadText("test.json", Encoding.UTF8.GetBytes(json));
        Assert.True(result.Configuration is not null, string.Join('\n', result.Problems));
        return result.Configuration;
    }

    public Task ApplyAsync(string json) => Daemon.ApplyAsync(Read(json), new KeyStore());

    public ValueTask DisposeAsync() => Daemon.DisposeAsync();
}
