using MuxPro.Buffers;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>Windows bound what is received and not read; they grow for who keeps up, inside a budget (design 4.4, 4.5, 4.11).</summary>
[Collection(nameof(Alone))]
public sealed class WindowTests
{
    private const int Window = 64 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(2_047)]
    [InlineData(2_048)]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(65_535)]
    public async Task StoppedReaders_HoldNoMoreThanASmallMultipleOfTheirWindows(int frame)
    {
        const int Sessions = 50;
        await using MuxPair pair = await MuxPair.ConnectAsync(options: new MuxOptions { MaxFramePayload = frame });
        var fars = new List<Session>();
        var nears = new List<Session>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            nears.Add(near);
            fars.Add(far);
        }

        long before = Slab.Rented;
        await Task.WhenAll(nears.Select((session, i) => new Payload(i).SendAsync(session.Output, 0, Window, cancellationToken: Cancel)));
        foreach (Session far in fars)
        {
            await Until.ReceivedAsync(far, Window);
        }

        await Until.TrueAsync(() => nears.TrueForAll(static near => near.Sender.Length == 0));
        Assert.InRange(Slab.Rented - before, 0, 3 * Sessions);

        // More stays where it was written.
        await Task.WhenAll(
            nears.Select((session, i) => new Payload(i).SendAsync(session.Output, Window, Window + 1_000, cancellationToken: Cancel)));
        Assert.All(nears, static near => Assert.Equal(1_000, near.Sender.Length));
        Assert.Equal(0, fars[0].WindowGrowth());
        for (int i = 0; i < Sessions; i++)
        {
            await new Payload(i).ReceiveAsync(fars[i].Input, 0, Window + 1_000, Cancel);
        }

        await Until.TrueAsync(() => Slab.Rented <= before);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task LongRoundTrip_WindowGrowsWhileTheReaderKeepsUp()
    {
        var faults = new Faults { Capacity = 32 * 1024 * 1024, Latency = TimeSpan.FromMilliseconds(25) };
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(faults);
        await using MuxPair pair = await MuxPair.OverAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(1);
        await Task.WhenAll(
            payload.SendAsync(near.Output, 0, 20_000_000, cancellationToken: Cancel),
            payload.ReceiveAsync(far.Input, 0, 20_000_000, Cancel));
        Assert.InRange(far.WindowGrowth(), 1_000_000, far.Context.Options.MaxWindow - Window);
        near.Abort(ErrorCode.RemoteDisconnect);
        await far.Completion.WaitAsync(Cancel);
        Assert.Equal(0, far.WindowGrowth());
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ReaderThatDoesNotKeepUp_WindowStays()
    {
        var faults = new Faults { Capacity = 32 * 1024 * 1024, Latency = TimeSpan.FromMilliseconds(5) };
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(faults);
        await using MuxPair pair = await MuxPair.OverAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(2);
        Task sending = payload.SendAsync(near.Output, 0, 2_000_000, cancellationToken: Cancel);
        for (int i = 0; i < 40; i++)
        {
            await Until.ReceivedAsync(far, Window);
            await payload.ReceiveAsync(far.Input, i * 40_000, (i + 1) * 40_000, Cancel);
        }

        Assert.Equal(0, far.WindowGrowth());
        await payload.ReceiveAsync(far.Input, 1_600_000, 2_000_000, Cancel);
        await sending;
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(0)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public async Task Growth_StaysInTheBudget_AndUnderTheMaximum(int budget)
    {
        var faults = new Faults { Capacity = 32 * 1024 * 1024, Latency = TimeSpan.FromMilliseconds(5) };
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(faults);
        var options = new MuxOptions { WindowBudget = budget, MaxWindow = 300_000 };
        await using MuxPair pair = await MuxPair.OverAsync(client, server, options);
        var work = new List<Task>();
        var fars = new List<Session>();
        for (int i = 0; i < 8; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            var payload = new Payload(i);
            fars.Add(far);
            work.Add(payload.SendAsync(near.Output, 0, 2_000_000, cancellationToken: Cancel));
            work.Add(payload.ReceiveAsync(far.Input, 0, 2_000_000, Cancel));
        }

        await Task.WhenAll(work);
        long growth = fars[0].WindowGrowth();
        Assert.InRange(growth, budget / 2, budget);
        foreach (Session far in fars)
        {
            far.Abort(ErrorCode.RemoteDisconnect);
        }

        Assert.Equal(0, fars[0].WindowGrowth());
    }
}
