using System.Buffers;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Sub-connections do not stand in each other's way, and the more urgent one goes first (design 4.1, 4.3, 4.6, 4.7).</summary>
public sealed class FairnessTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task StoppedReaders_DelayNobody(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        var stopped = new List<Task>();
        var sessions = new List<Session>();
        for (int i = 0; i < 20; i++)
        {
            (Session near, Session far) = await pair.OpenAsync(priority: 0);
            sessions.Add(near);
            stopped.Add(new Payload(i).SendAsync(server ? far.Output : near.Output, 0, 10_000_000, cancellationToken: Cancel));
        }

        (Session lively, Session livelyFar) = await pair.OpenAsync(priority: 255);
        var payload = new Payload(99);
        await Task.WhenAll(
            payload.SendAsync(lively.Output, 0, 5_000_000, cancellationToken: Cancel),
            payload.ReceiveAsync(livelyFar.Input, 0, 5_000_000, Cancel),
            payload.SendAsync(livelyFar.Output, 0, 5_000_000, cancellationToken: Cancel),
            payload.ReceiveAsync(lively.Input, 0, 5_000_000, Cancel));
        Assert.DoesNotContain(stopped, static task => task.IsCompleted);
        foreach (Session session in sessions)
        {
            session.Abort(ErrorCode.RemoteDisconnect);
        }

        foreach (Task task in stopped)
        {
            await Assert.ThrowsAsync<SessionException>(() => task);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task BothEndsFloodOver1KB_100MBEachWayArrive()
    {
        const int Sessions = 4;
        const int Size = 25_000_000;
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(new Faults { Capacity = 1024 });
        await using MuxPair pair = await MuxPair.OverAsync(client, server);
        var work = new List<Task>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            var there = new Payload(i);
            var back = new Payload(i + 100);
            work.Add(Task.Run(() => there.SendAsync(near.Output, 0, Size, 64 * 1024, Cancel), Cancel));
            work.Add(Task.Run(() => back.SendAsync(far.Output, 0, Size, 64 * 1024, Cancel), Cancel));
            work.Add(there.ReceiveAsync(far.Input, 0, Size, Cancel));
            work.Add(back.ReceiveAsync(near.Input, 0, Size, Cancel));
        }

        await Task.WhenAll(work);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Priority_UrgentGoesFirst_TheOtherKeepsItsShare()
    {
        using var tap = new MemoryStream();
        (FaultyLink client, FaultyLink server, FaultyDirection there, _) = FaultyLink.CreatePair(new Faults { Tap = tap }, new Faults());
        await using MuxPair pair = await MuxPair.OverAsync(client, server, new MuxOptions { MaxFramePayload = 1_000 });
        (Session low, Session lowFar) = await pair.OpenAsync(priority: 255);
        (Session high, Session highFar) = await pair.OpenAsync(priority: 0);
        await BlockAsync(pair, there);
        var payload = new Payload(1);
        await payload.SendAsync(low.Output, 0, 60_000, 60_000, Cancel);
        await payload.SendAsync(high.Output, 0, 60_000, 60_000, Cancel);
        there.Resume();
        await payload.ReceiveAsync(lowFar.Input, 0, 60_000, Cancel);
        await payload.ReceiveAsync(highFar.Input, 0, 60_000, Cancel);

        List<ushort> order =
            [.. Frames(tap).Where(frame => frame.Type == FrameType.Keep && frame.Id != BlockerId).Select(frame => frame.Id)];
        Assert.Equal((60, 60), (order.Count(id => id == low.Id), order.Count(id => id == high.Id)));
        Assert.Equal(high.Id, order[0]);
        List<ushort> untilHighIsDone = order[..order.LastIndexOf(high.Id)];

        // 60 turns for the urgent one; one in 16 goes to the other meanwhile.
        Assert.InRange(untilHighIsDone.Count(id => id == low.Id), 3, 4);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ControlGoesAheadOfData()
    {
        using var tap = new MemoryStream();
        (FaultyLink client, FaultyLink server, FaultyDirection there, _) = FaultyLink.CreatePair(new Faults { Tap = tap }, new Faults());
        await using MuxPair pair = await MuxPair.OverAsync(client, server, new MuxOptions { MaxFramePayload = 1_000 });
        (Session bulk, Session bulkFar) = await pair.OpenAsync(priority: 0);
        (Session reads, Session readsFar) = await pair.OpenAsync(priority: 255);
        (Session ends, Session endsFar) = await pair.OpenAsync(priority: 255);
        var payload = new Payload(2);
        await payload.SendAsync(readsFar.Output, 0, 60_000, 60_000, Cancel);
        await BlockAsync(pair, there);
        await payload.SendAsync(bulk.Output, 0, 60_000, 60_000, Cancel);
        for (int offset = 0; offset < 60_000; offset += 500)
        {
            await payload.ReceiveAsync(reads.Input, offset, offset + 500, Cancel);
        }

        ends.Abort(ErrorCode.ProxyRejected);
        Session opened = pair.Open(priority: 255);
        there.Resume();
        await payload.ReceiveAsync(bulkFar.Input, 0, 60_000, Cancel);
        await Assert.ThrowsAsync<SessionException>(async () => await endsFar.Input.ReadAsync(Cancel));

        List<(FrameType Type, ushort Id)> frames = Frames(tap);
        frames.RemoveRange(0, frames.IndexOf((FrameType.Keep, BlockerId)) + 1);
        int bulkStarts = frames.IndexOf((FrameType.Keep, bulk.Id));
        Assert.InRange(frames.IndexOf((FrameType.End, ends.Id)), 0, bulkStarts - 1);
        Assert.InRange(frames.IndexOf((FrameType.New, opened.Id)), 0, bulkStarts - 1);

        // However often the application consumed, one grant waits.
        Assert.Equal([(FrameType.CreditUpdate, reads.Id)], frames[..bulkStarts].Where(frame => frame.Id == reads.Id));
    }

    // The first session of a test is the low or the bulk one; the blocker is the last before the link stops.
    private const ushort BlockerId = 4;

    /// <summary>Stops the link with one small frame under way, so that the next batch is cut when it goes on.</summary>
    private static async Task BlockAsync(MuxPair pair, FaultyDirection there)
    {
        Session blocker;
        do
        {
            (blocker, _) = await pair.OpenAsync();
        }
        while (blocker.Id < BlockerId);
        there.Stall();
        await blocker.WriteAsync(new byte[1]);
        await there.WriterWaits.Task.WaitAsync(Cancel);
    }

    private static List<(FrameType Type, ushort Id)> Frames(MemoryStream tap)
    {
        var frames = new List<(FrameType Type, ushort Id)>();
        var bytes = new ReadOnlySequence<byte>(tap.ToArray());
        var reader = new FrameReader();
        while (reader.TryRead(ref bytes, out Frame frame, out _) == FrameReadStatus.Frame)
        {
            frames.Add((frame.Type, frame.Id));
        }

        return frames;
    }
}
