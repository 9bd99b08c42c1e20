using System.Buffers;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>
/// When many wait to send, large writes stay in the applications' memory and are sent from there: what arrives is what was written, and
/// memory that was given back is not looked at again (design 4.1, 4.2, 4.8).
/// </summary>
public sealed class CrowdTests
{
    // More than is copied ahead for all sub-connections together.
    private const int Sessions = 40;

    private const string Blocker = "in the way";

    /// <summary>How a write is given up that is in line and of which nothing was copied.</summary>
    public enum GivenUp
    {
        Cancelled,
        CancelledAndCompleted,
        CancelledAndWrittenAgain,
        Disposed,
    }

    public static MatrixTheoryData<GivenUp, bool> WaysToGiveUp { get; } = new(Enum.GetValues<GivenUp>(), [false, true]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task LargeWritesOfMany_ArriveWhole(Wiring wiring)
    {
        const int Size = 1_000_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        var work = new List<Task>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync((byte)(i % 3));
            var payload = new Payload(i);
            work.Add(Task.Run(() => SendAsync(near, payload, 1_000 * (1 + (i * 37 % 300))), Cancel));
            work.Add(payload.ReceiveAsync(far.Input, 0, Size, Cancel));
        }

        await Task.WhenAll(work);

        static async Task SendAsync(Session session, Payload payload, int piece)
        {
            // The same memory again for each write: whoever looks at it after the write sends what was not written.
            byte[] memory = new byte[piece];
            for (int sent = 0; sent < Size; sent += piece)
            {
                Memory<byte> part = memory.AsMemory(0, Math.Min(piece, Size - sent));
                payload.CopyTo(sent, part.Span);
                await (session.Id % 2 == 0
                    ? session.AsStream().WriteAsync(part, Cancel)
                    : Flushed(session.Output.WriteAsync(part, Cancel)));
                part.Span.Fill(0xEE);
            }
        }

        static async ValueTask Flushed<T>(ValueTask<T> write) => await write;
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(Wiring.Memory)]
    [InlineData(Wiring.Tcp)]
    public async Task CancelledWrites_SendAPrefix_AndLookAtTheMemoryNoMore(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        var pairs = new List<(Session Near, Session Far, Task Write, byte[] Memory)>();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            byte[] memory = new Payload(i).Take(0, 500_000);
            pairs.Add((near, far, near.Output.WriteAsync(memory, source.Token).AsTask(), memory));
        }

        // Nobody reads: at most a window of each goes on its way, the rest waits.
        await source.CancelAsync();
        foreach ((Session near, _, Task write, byte[] memory) in pairs)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
            memory.AsSpan().Fill(0xEE);
            near.CompleteWrites();
        }

        for (int i = 0; i < Sessions; i++)
        {
            Assert.InRange(await new Payload(i).ReceiveToEndAsync(pairs[i].Far.Input, 0, Cancel), 0, 499_999);
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(WaysToGiveUp))]
    public async Task AWriteGivenUpInLine_LeavesNothing_AndTheOthersGoOn(GivenUp how, bool isOpen)
    {
        (FaultyLink client, FaultyLink server, FaultyDirection there, _) = FaultyLink.CreatePair();
        await using MuxPair pair = await MuxPair.OverAsync(client, server, new MuxOptions { MaxBuffered = 1024 * 1024 });
        Session? near = null;
        Session? far = null;
        if (isOpen)
        {
            (near, far) = await pair.OpenAsync();
        }

        var others = new List<(Session Near, Session Far)>();
        for (int i = 0; i < 8; i++)
        {
            others.Add(await pair.OpenAsync());
        }

        // The send loop is kept with what there is room for nowhere, so that nothing of the others is cut until it may go on.
        there.Stall();
        Task blocking = others[0].Near.SendTextAsync(Blocker);
        await there.WriterWaits.Task.WaitAsync(Cancel);
        Task[] writes = [.. others.Select((other, i) => other.Near.Output.WriteAsync(new Payload(i).Take(0, 250_000), Cancel).AsTask())];
        near ??= pair.Open();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task write = near.Output.WriteAsync(new Payload(9).Take(0, 500_000), source.Token).AsTask();
        Assert.False(write.IsCompleted);
        await (how == GivenUp.Disposed ? near.DisposeAsync().AsTask() : source.CancelAsync());
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => write);
        Assert.True(error is OperationCanceledException or InvalidOperationException, error.ToString());
        Task again = how == GivenUp.CancelledAndWrittenAgain ? near.SendTextAsync("again") : Task.CompletedTask;
        if (how != GivenUp.Cancelled)
        {
            near.CompleteWrites();
        }

        there.Resume();
        await others[0].Far.ExpectTextAsync(Blocker);
        await blocking;
        for (int i = 0; i < others.Count; i++)
        {
            await new Payload(i).ReceiveAsync(others[i].Far.Input, 0, 250_000, Cancel);
            await writes[i];
        }

        await again;
        far ??= await pair.AcceptAsync();
        if (how == GivenUp.Cancelled)
        {
            await near.SendTextAsync("later");
            await far.ExpectTextAsync("later");
        }
        else if (how != GivenUp.Disposed)
        {
            using var reader = new StreamReader(far.AsStream());
            Assert.Equal(how == GivenUp.CancelledAndWrittenAgain ? "again" : "", await reader.ReadToEndAsync(Cancel));
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task AWriteUnderWay_EndsWithItsSession_AndNotWithOthers()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        var pairs = new List<(Session Near, Session Far, Task Write)>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            pairs.Add((near, far, near.Output.WriteAsync(new Payload(i).Take(0, 500_000), Cancel).AsTask()));
        }

        await pairs[0].Near.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => pairs[0].Write);
        pairs[1].Near.Abort(ErrorCode.RemoteDisconnect);
        await Assert.ThrowsAsync<SessionException>(() => pairs[1].Write);
        pairs[2].Far.Abort(ErrorCode.RemoteDisconnect);
        await Assert.ThrowsAsync<SessionException>(() => pairs[2].Write);
        for (int i = 3; i < Sessions; i++)
        {
            await new Payload(i).ReceiveAsync(pairs[i].Far.Input, 0, 500_000, Cancel);
            await pairs[i].Write;
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MemoryThatIsNoArray_IsCopiedByItsWriter()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        var work = new List<Task>();
        for (int i = 0; i < Sessions; i++)
        {
            (Session near, Session far) = await pair.OpenAsync();
            var payload = new Payload(i);
            var memory = new Foreign(payload.Take(0, 500_000));
            work.Add(near.Output.WriteAsync(memory.Memory, Cancel).AsTask());
            work.Add(payload.ReceiveAsync(far.Input, 0, 500_000, Cancel));
        }

        await Task.WhenAll(work);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task LowerPriority_ArrivesWhileAHigherOneTalks()
    {
        const int Size = 20_000_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(Wiring.Tcp);
        (Session talk, Session talkFar) = await pair.OpenAsync(priority: 0);
        (Session bulk, Session bulkFar) = await pair.OpenAsync(priority: 255);
        var payload = new Payload(1);
        var arrived = Task.WhenAll(
            payload.SendAsync(bulk.Output, 0, Size, 64 * 1024, Cancel), payload.ReceiveAsync(bulkFar.Input, 0, Size, Cancel));
        byte[] message = new byte[64];
        while (!arrived.IsCompleted)
        {
            await talk.WriteAsync(message);
            talkFar.Input.AdvanceTo((await talkFar.Input.ReadAsync(Cancel)).Buffer.End);
        }

        await arrived;
    }

    private sealed class Foreign(byte[] bytes) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => bytes;

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
