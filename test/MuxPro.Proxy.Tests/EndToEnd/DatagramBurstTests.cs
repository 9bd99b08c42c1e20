using System.Globalization;
using System.Net;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>More datagrams than there is room for: every one arrives or is counted, and both programs say how many they dropped.</summary>
public sealed class DatagramBurstTests
{
    private const int Count = 10_000;
    private const int MarkerLength = sizeof(int);

    // As an application that asks again: UDP may lose the question and the answer.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private long _sent;
    private long _received;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Up_AllAreAccountedFor() => RunAsync(async (application, target, _) =>
    {
        byte[] data = new byte[1_000];
        for (int i = 0; i < Count; i++)
        {
            await application.SendAsync(target.Destination, data);
            _sent++;
        }
    });

    [Fact]
    public Task Down_AllAreAccountedFor() => RunAsync(async (_, target, flow) =>
    {
        byte[] data = new byte[1_000];
        for (int i = 0; i < Count; i++)
        {
            await target.SendAsync(data, flow);
            _sent++;
        }
    });

    private async Task RunAsync(Func<SocksUdpClient, UdpEcho, IPEndPoint, Task> burst)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Only Linux tells what its sockets dropped.");
        }

        await using var target = new UdpEcho(static data => data.Length == MarkerLength ? data : null, receiveBuffer: 16 * 1024);
        await using ProxyPair pair = await ProxyPair.StartAsync();
        long inKernel;
        using (SocksUdpClient application = await SocksUdpClient.ConnectAsync(pair.EndPoint))
        {
            await SettleAsync(application, target);
            await burst(application, target, await target.SeenAsync());
            await SettleAsync(application, target);
            inKernel = application.KernelDrops + target.KernelDrops;
        }

        string atClient = await pair.ClientLog.WaitAsync(26);
        string atServer = await pair.ServerLog.WaitAsync(48);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{atClient}\n{atServer}\nsent {_sent + target.Answered}, in the kernel {inKernel}");
        long dropped = Dropped(atClient) + Dropped(atServer) + inKernel;
        Assert.Equal(_sent + target.Answered, target.Received + _received + dropped);
        Assert.Contains("refused 0,", atClient, StringComparison.Ordinal);
    }

    /// <summary>
    /// Asks until the last question is answered: what was on its way before, in both directions, has then arrived or is dropped.
    /// </summary>
    private async Task SettleAsync(SocksUdpClient application, UdpEcho target)
    {
        for (int number = 0; ; number++)
        {
            byte[] marker = BitConverter.GetBytes(number);
            await application.SendAsync(target.Destination, marker);
            _sent++;
            using var again = new CancellationTokenSource(AskAgainAfter, TimeProvider.System);
            try
            {
                byte[] data;
                do
                {
                    (_, data) = await application.ReceiveAsync(again.Token);
                    _received++;
                }
                while (!data.AsSpan().SequenceEqual(marker));
                return;
            }
            catch (OperationCanceledException) when (again.IsCancellationRequested)
            {
                Cancel.ThrowIfCancellationRequested();
            }
        }
    }

    private static long Dropped(string line)
        => long.Parse(line.Split("dropped ")[1].Split([' ', ','])[0], CultureInfo.InvariantCulture);
}
