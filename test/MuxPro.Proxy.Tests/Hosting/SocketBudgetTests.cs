using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Hosting;

public sealed class SocketBudgetTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n", 896)]
    [InlineData("Max open files 256 256 files", 128)]
    [InlineData("Max open files 100 100 files", 50)]
    [InlineData("Max open files unlimited unlimited files", int.MaxValue)]
    [InlineData("", int.MaxValue)]
    public void Limit_LeavesAReserve(string limits, int expected) => Assert.Equal(expected, SocketBudget.Parse(limits));

    [Fact]
    public async Task Listener_NoPlace_ClosesAtOnce_WarnsOnce_PlacesComeBack()
    {
        var budget = new SocketBudget(1);
        var time = new FakeTimeProvider();
        await using ProxyPair pair = await ProxyPair.StartAsync(client: options => options with { Sockets = budget, TimeProvider = time });
        using (var first = new TcpClient())
        {
            await first.ConnectAsync(pair.EndPoint, Cancel);
            for (int i = 0; i < 3; i++)
            {
                await AssertClosedAsync(pair.EndPoint);
            }

            Assert.Single(pair.ClientLog.Entries, entry => entry.Id == 8);
            // The first one says nothing, and its time is up too: its place stays taken.
            budget.Enter();
            time.Advance(TimeSpan.FromMinutes(1));
            await AssertClosedAsync(pair.EndPoint);
            budget.Leave();
            await pair.ClientLog.WaitAsync(8);
            Assert.Contains("2 others", await pair.ClientLog.WaitAsync(8), StringComparison.Ordinal);
        }

        await EmptyAsync(budget, 0);
    }

    [Fact]
    public async Task Targets_NoPlace_ResourceExhaustion_PlacesComeBack()
    {
        // Two: the main connection and one target.
        var budget = new SocketBudget(2);
        await using Origin origin = await Origin.StartAsync();
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { Sockets = budget });
        using HttpClient http = pair.HttpClient("http");
        (Socket application, NetworkStream stream) = await TransferTests.ConnectAsync(pair, ((IPEndPoint)target.LocalEndpoint).Port);
        using (await target.AcceptSocketAsync(Cancel))
        using (application)
        await using (stream)
        {
            using HttpResponseMessage response = await http.GetAsync(origin.Uri("/bytes/1"), Cancel);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal(2, budget.Open);
        }

        await EmptyAsync(budget, 1);
        Assert.Single(await http.GetByteArrayAsync(origin.Uri("/bytes/1"), Cancel));
    }

    private static async Task AssertClosedAsync(IPEndPoint endPoint)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(endPoint, Cancel);
        Assert.Equal(0, await socket.GetStream().ReadAsync(new byte[1], Cancel));
    }

    private static async Task EmptyAsync(SocketBudget budget, int expected)
    {
        while (budget.Open != expected)
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
