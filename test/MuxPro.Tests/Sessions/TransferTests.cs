using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>Bytes between two ends over every transport: all of them, once, in order, through pipes and through streams.</summary>
public sealed class TransferTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Echo_ManyTurns(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(1);
        long offset = 0;
        for (int turn = 0; turn < 200; turn++)
        {
            long next = offset + 1 + (turn * 7);
            await payload.SendAsync(near.Output, offset, next, cancellationToken: Cancel);
            await payload.ReceiveAsync(far.Input, offset, next, Cancel);
            await payload.SendAsync(far.Output, offset, next, cancellationToken: Cancel);
            await payload.ReceiveAsync(near.Input, offset, next, Cancel);
            offset = next;
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Sizes_BothWays_ThroughPipes(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        foreach (int size in (int[])[0, 1, 65_535, 65_536, 65_537, 10_000_000])
        {
            (Session near, Session far) = await pair.OpenAsync();
            var there = new Payload(size);
            var back = new Payload(size + 1);
            await Task.WhenAll(
                SendAsync(near, there, size), SendAsync(far, back, size), ExpectAsync(far, there, size), ExpectAsync(near, back, size));
            await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
            Assert.Equal((ErrorCode.GracefulShutdown, ErrorCode.GracefulShutdown), (near.EndCode, far.EndCode));
        }

        Assert.Equal((0, 0), (pair.Client.ActiveSessions, pair.Server.ActiveSessions));

        static async Task SendAsync(Session session, Payload payload, int size)
        {
            await payload.SendAsync(session.Output, 0, size, cancellationToken: Cancel);
            await session.Output.CompleteAsync();
        }

        static async Task ExpectAsync(Session session, Payload payload, int size)
            => Assert.Equal(size, await payload.ReceiveToEndAsync(session.Input, cancellationToken: Cancel));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Sizes_BothWays_ThroughStreams(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        foreach (int size in (int[])[0, 1, 65_535, 65_536, 65_537, 10_000_000])
        {
            (Session near, Session far) = await pair.OpenAsync();
            var there = new Payload(size);
            var back = new Payload(size + 1);
            await Task.WhenAll(
                SendAsync(near, there, size), SendAsync(far, back, size), ExpectAsync(far, there, size), ExpectAsync(near, back, size));
            await near.AsStream().DisposeAsync();
            await far.AsStream().DisposeAsync();
            await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        }

        static async Task SendAsync(Session session, Payload payload, int size)
        {
            await payload.SendAsync(session.AsStream(), 0, size, cancellationToken: Cancel);
            session.CompleteWrites();
        }

        static async Task ExpectAsync(Session session, Payload payload, int size)
            => Assert.Equal(size, await payload.ReceiveToEndAsync(session.AsStream(), cancellationToken: Cancel));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task ManySessionsAtOnce_EachGetsItsOwnBytes(Wiring wiring)
    {
        const int Sessions = 50;
        const int Size = 200_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        var work = new List<Task>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync((byte)(i * 5));
            var there = new Payload(near.Id);
            var back = new Payload(near.Id + 1000);
            work.Add(there.SendAsync(near.Output, 0, Size, 3_000, Cancel));
            work.Add(back.SendAsync(far.AsStream(), 0, Size, 5_000, Cancel));
            work.Add(there.ReceiveAsync(far.Input, 0, Size, Cancel));
            work.Add(back.ReceiveAsync(near.Input, 0, Size, Cancel));
        }

        await Task.WhenAll(work);
        Assert.Equal((Sessions, Sessions), (pair.Client.ActiveSessions, pair.Server.ActiveSessions));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task LinkThatSplitsAtEveryByte_SameBytes(int chunk)
    {
        const int Size = 100_000;
        var faults = new Faults { MaxChunk = chunk };
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(faults);
        await using MuxPair pair = await MuxPair.OverAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();
        var there = new Payload(1);
        var back = new Payload(2);
        await Task.WhenAll(
            there.SendAsync(near.Output, 0, Size, 999, Cancel),
            back.SendAsync(far.Output, 0, Size, 1, Cancel),
            there.ReceiveAsync(far.Input, 0, Size, Cancel),
            back.ReceiveAsync(near.Input, 0, Size, Cancel));
        near.CompleteWrites();
        far.CompleteWrites();
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
    }
}
