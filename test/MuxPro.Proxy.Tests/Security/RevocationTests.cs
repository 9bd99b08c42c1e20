using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Security;

public sealed class RevocationTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("muxpro-test-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Authorized => Path.Combine(_directory, "authorized");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task MainConnectionThatEndsJustThen_DoesNoHarm()
    {
        using var key = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(Authorized, $"{key.Pin} anna\n", Cancel);
        var time = new FakeTimeProvider();
        var log = new LogCollector();
        ProxyPair? running = null;

        // Between the look at the list and what follows from it, the main connection goes away as a whole.
        using var logger = new HookedLogger(log, 44, () =>
        {
            running!.Client.DisposeAsync().AsTask().GetAwaiter().GetResult();
            while (running.Server.MainConnections > 0)
            {
                Cancel.ThrowIfCancellationRequested();
                Thread.Yield();
            }
        });
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(
            options => options with { Authorized = Authorized, TimeProvider = time, LoggerFactory = logger },
            options => options with { Key = key });
        running = pair;
        using HttpClient http = pair.HttpClient("http");
        Assert.Single(await http.GetByteArrayAsync(origin.Uri("/bytes/1"), Cancel));
        await File.WriteAllTextAsync(Authorized, "# nobody\n", Cancel);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Single(log.Entries, static entry => entry.Id == 44);
        Assert.DoesNotContain(log.Entries, static entry => entry.Id == 64);
    }

    [Fact]
    public async Task FailureWhileLooking_IsLogged_AndNotThrownByTheTimer()
    {
        using var key = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(Authorized, $"{key.Pin} anna\n", Cancel);
        var time = new FakeTimeProvider();
        var log = new LogCollector();
        using var logger = new HookedLogger(log, 60, () => throw new InvalidOperationException("broken"));
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with
        {
            Authorized = Authorized,
            TimeProvider = time,
            LoggerFactory = logger,
        });
        await File.WriteAllTextAsync(Authorized, "# nobody\n", Cancel);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Contains("broken", await log.WaitAsync(64), StringComparison.Ordinal);
    }

    [Fact]
    public void UnreadableForAWhile_IsReadLater_AndReportedOnce()
    {
        using var key = KeyFile.Create("client", TimeProvider.System);
        File.WriteAllText(Authorized, $"{key.Pin} anna\n");
        var log = new LogCollector();
        WatchedFile<AuthorizedKeys> keys = new KeyStore().WatchAuthorizedKeys(Authorized, TimeProvider.System, log);
        File.WriteAllText(Authorized, "# nobody\n");
        using (new FileStream(Authorized, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.False(keys.Refresh());
            Assert.False(keys.Refresh());
            Assert.Single(log.Entries, entry => entry.Level == LogLevel.Error);
        }

        Assert.True(keys.Refresh());
        Assert.Equal(0, keys.Current.Count);
    }
}
