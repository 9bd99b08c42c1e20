using System.IO.Pipelines;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>The contract of <see cref="PipeWriter"/> and of <see cref="Stream"/>'s writes, with a real other end.</summary>
public sealed class WriteTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task CancelledFlush_NeverTearsAFrame_WhatWasWrittenArrivesOnce(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring, new MuxOptions { SendBuffer = 20_000 });
        (Session near, Session far) = await pair.OpenAsync();
        (Session otherNear, Session otherFar) = await pair.OpenAsync();
        var payload = new Payload(1);
        var other = new Payload(2);
        long offset = 0;
        int cancelled = 0;
        for (int round = 0; round < 100; round++)
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            payload.CopyTo(offset, near.Output.GetSpan(30_000)[..30_000]);
            near.Output.Advance(30_000);
            offset += 30_000;
            ValueTask<FlushResult> flush = near.Output.FlushAsync(source.Token);
            await source.CancelAsync();
            try
            {
                await flush;
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }

            if (round % 10 == 9)
            {
                await payload.ReceiveAsync(far.Input, offset - 300_000, offset, Cancel);
            }

            await other.SendAsync(otherNear.Output, round, round + 1, cancellationToken: Cancel);
            await other.ReceiveAsync(otherFar.Input, round, round + 1, Cancel);
        }

        near.CompleteWrites();
        Assert.Equal(offset, await payload.ReceiveToEndAsync(far.Input, offset, Cancel));
        Assert.True(cancelled > 0, "No flush was cancelled.");
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task CancelledStreamWrite_APrefixArrives_TheNeighbourIsWhole(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var payload = new Payload(3);
        Task write = near.AsStream().WriteAsync(payload.Take(0, 10_000_000), source.Token).AsTask();
        await payload.ReceiveAsync(far.Input, 0, 1_000, Cancel); // it is under way, and far from its end
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        near.CompleteWrites();
        Assert.InRange(await payload.ReceiveToEndAsync(far.Input, 1_000, Cancel), 1_000, 9_999_999);
        (near, far) = await pair.OpenAsync();
        await payload.SendAsync(near.Output, 0, 100_000, cancellationToken: Cancel);
        await payload.ReceiveAsync(far.Input, 0, 100_000, Cancel);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task CancelPendingFlush_WakesTheFlush_OrTheNextOne()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(options: new MuxOptions { SendBuffer = 1_000 });
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(4);

        // Nobody reads: 65,536 bytes of credit go out, the rest waits.
        payload.CopyTo(0, near.Output.GetSpan(70_000)[..70_000]);
        near.Output.Advance(70_000);
        Task<FlushResult> flush = near.Output.FlushAsync(Cancel).AsTask();
        Assert.False(flush.IsCompleted);
        near.Output.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);
        near.Output.CancelPendingFlush();
        Assert.True((await near.Output.FlushAsync(Cancel)).IsCanceled);
        flush = near.Output.FlushAsync(Cancel).AsTask();
        Assert.False(flush.IsCompleted);
        await payload.ReceiveAsync(far.Input, 0, 70_000, Cancel);
        Assert.False((await flush).IsCanceled);
        near.CompleteWrites();
        Assert.Equal(70_000, await payload.ReceiveToEndAsync(far.Input, 70_000, Cancel));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task FlushWaits_UntilTheReaderMakesRoom()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(options: new MuxOptions { WindowBudget = 0 });
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(5);
        int written = 0;
        Task<FlushResult> flush;
        do
        {
            payload.CopyTo(written, near.Output.GetSpan(10_000)[..10_000]);
            near.Output.Advance(10_000);
            written += 10_000;
            flush = near.Output.FlushAsync(Cancel).AsTask();
        }
        while (flush.IsCompleted);

        // A window on the way or there, a full buffer behind it, and no more.
        Assert.InRange(written, near.Context.Options.SendBuffer, 65_536 + near.Context.Options.SendBuffer + 10_000);
        await payload.ReceiveAsync(far.Input, 0, written, Cancel);
        await flush.WaitAsync(Cancel);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Misuse_IsRefused_AndHarmsNothing()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => near.Abort(ErrorCode.GracefulShutdown));
        Assert.Throws<ArgumentOutOfRangeException>(() => near.Output.Advance(1_000_000));
        Task<ReadResult> read = near.Input.ReadAsync(Cancel).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await near.Input.ReadAsync(Cancel));
        await far.WriteAsync(new byte[] { 1 });
        near.Input.AdvanceTo((await read).Buffer.End);
        near.CompleteWrites();
        await Assert.ThrowsAsync<InvalidOperationException>(() => near.WriteAsync(new byte[1]));
        await near.Input.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await near.Input.ReadAsync(Cancel));
    }
}
