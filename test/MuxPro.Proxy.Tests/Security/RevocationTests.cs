using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;
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
        using var serverKey = KeyFile.Create("server", TimeProvider.System);
        using var clientKey = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(Authorized, $"{clientKey.Pin} anna\n", Cancel);
        var log = new LogCollector();
        var keys = AuthorizedKeys.Load(Authorized, log);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialer = new ServerDialer(
            new ServerAddress
            {
                Target = Destination.Tcp(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port),
                Key = clientKey,
                Pin = serverKey.Pin,
            },
            TimeProvider.System, log, SocketBudget.OfProcess);
        ValueTask<Link> dialing = dialer.DialAsync(Cancel);
        Task serving = Task.CompletedTask;
        Link? link = null;

        // Between the look at the list and what follows from it, the main connection goes away as a whole.
        using var logger = new HookedLogger(log, 44, () =>
        {
            link!.Abort();
            serving.GetAwaiter().GetResult();
        });
        var inbound = new MuxInbound(new DirectDispatcher(), new MuxInboundOptions { Key = serverKey, Authorized = keys }, logger);
        serving = inbound.ServeAsync(await listener.AcceptSocketAsync(Cancel), Cancel);
        link = await dialing;
        await log.WaitAsync(40);

        await File.WriteAllTextAsync(Authorized, "# nobody\n", Cancel);
        Assert.True(keys.Refresh());
        inbound.MainConnections.CloseRevoked();
        Assert.True(serving.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task FailureWhileLooking_IsLogged_AndNotThrownByTheTimer()
    {
        using var key = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(Authorized, $"{key.Pin} anna\n", Cancel);
        var time = new FakeTimeProvider();
        var log = new LogCollector();
        using var logger = new HookedLogger(log, 60, () => throw new InvalidOperationException("broken"));
        await using var pair = ProxyPair.Start(server: options => options with
        {
            Authorized = AuthorizedKeys.Load(Authorized, logger),
            TimeProvider = time,
            LoggerFactory = log,
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
        var keys = AuthorizedKeys.Load(Authorized, log);
        File.WriteAllText(Authorized, "# nobody\n");
        using (new FileStream(Authorized, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.False(keys.Refresh());
            Assert.False(keys.Refresh());
            Assert.Single(log.Entries, entry => entry.Level == LogLevel.Error);
        }

        Assert.True(keys.Refresh());
        Assert.Equal(0, keys.Count);
    }
}
