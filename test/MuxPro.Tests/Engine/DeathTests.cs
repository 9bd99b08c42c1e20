using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>A main connection that dies completes everything that waits on it, with an error that names the cause (design 4.9).</summary>
public sealed class DeathTests
{
    public enum Death
    {
        CutWithError,
        CutWithEnd,
        LocalDispose,
        RemoteDispose,
        Silence,
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(Death.CutWithError, MainConnectionEnd.TransportFailed)]
    [InlineData(Death.CutWithEnd, MainConnectionEnd.ClosedByPeer)]
    [InlineData(Death.LocalDispose, MainConnectionEnd.ClosedLocally)]
    [InlineData(Death.RemoteDispose, MainConnectionEnd.ClosedByPeer)]
    [InlineData(Death.Silence, MainConnectionEnd.Timeout)]
    public async Task EverythingThatWaits_EndsWithTheCause(Death death, MainConnectionEnd reason)
    {
        var time = new FakeTimeProvider();
        (FaultyLink client, FaultyLink server, FaultyDirection there, FaultyDirection back) = FaultyLink.CreatePair();
        var options = new MuxOptions { TimeProvider = time };
        await using MuxPair pair = await MuxPair.OverAsync(client, server, options, new MuxOptions());
        (Session reads, Session readsFar) = await pair.OpenAsync();
        (Session writes, Session writesFar) = await pair.OpenAsync();
        (Session streams, Session streamsFar) = await pair.OpenAsync();
        (Session holds, Session holdsFar) = await pair.OpenAsync();
        var payload = new Payload(1);
        await payload.SendAsync(holdsFar.Output, 0, 1_000, cancellationToken: Cancel);
        await Until.ReceivedAsync(holds, 1_000);

        Task[] waiting =
        [
            reads.Input.ReadAsync(Cancel).AsTask(),
            reads.WriteAsync(new byte[2_000_000]),
            writes.WriteAsync(new byte[2_000_000]),
            streams.AsStream().ReadAsync(new byte[10], Cancel).AsTask(),
            streams.AsStream().WriteAsync(new byte[2_000_000], Cancel).AsTask(),
        ];
        Task[] over = [.. ((Session[])[reads, writes, streams, holds]).Select(static session => session.Completion)];
        CancellationToken aborted = reads.Aborted;
        Assert.DoesNotContain(waiting, static task => task.IsCompleted);
        await KillAsync();
        foreach (Task task in waiting)
        {
            MainConnectionException error = await Assert.ThrowsAsync<MainConnectionException>(() => task.WaitAsync(Cancel));
            Assert.Equal(reason, error.Reason);
        }

        await Task.WhenAll(over).WaitAsync(Cancel);
        await pair.Client.Completion.WaitAsync(Cancel);
        Assert.Equal(reason, pair.Client.Failure?.Reason);
        Assert.False(pair.Client.TryReserve());
        Assert.Equal(0, pair.Client.ActiveSessions);
        Assert.True(aborted.IsCancellationRequested);
        Assert.InRange(client.Closed, 1, 2);

        // What came before is still read, unless it was this end that did not want it any more.
        (long read, MainConnectionException last) = await holds.ReadToErrorAsync<MainConnectionException>(payload);
        Assert.Equal((death == Death.LocalDispose ? 0 : 1_000, reason), (read, last.Reason));
        await pair.Server.DisposeAsync();
        Assert.True(readsFar.Completion.IsCompleted && writesFar.Completion.IsCompleted && streamsFar.Completion.IsCompleted);

        async Task KillAsync()
        {
            switch (death)
            {
                case Death.CutWithError:
                    back.Cut(new IOException("The cable is out."));
                    break;
                case Death.CutWithEnd:
                    back.Cut(null);
                    break;
                case Death.LocalDispose:
                    _ = pair.Client.DisposeAsync().AsTask();
                    await Until.DoneAsync(pair.Client.Completion, time);
                    break;
                case Death.RemoteDispose:
                    await pair.Server.DisposeAsync();
                    break;
                default:
                    there.Stall();
                    Session last = pair.Open();
                    await there.WriterWaits.Task.WaitAsync(Cancel);
                    Assert.False(last.Completion.IsCompleted);
                    await Until.DoneAsync(pair.Client.Completion, time);
                    break;
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task SlowButMovingWrite_IsNoDeadPeer()
    {
        var time = new FakeTimeProvider();
        (FaultyLink client, FaultyLink server, FaultyDirection there, _) = FaultyLink.CreatePair(new Faults { Capacity = 1024 });

        // Answers come by the processor's time, which runs slower than the client's clock here: no pings.
        var options = new MuxOptions { TimeProvider = time, PingInterval = Timeout.InfiniteTimeSpan };
        await using MuxPair pair = await MuxPair.OverAsync(client, server, options, new MuxOptions());
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(2);
        for (int i = 0; i < 20; i++)
        {
            there.Stall();
            await payload.SendAsync(near.Output, i * 1_000, (i + 1) * 1_000, cancellationToken: Cancel);
            await there.WriterWaits.Task.WaitAsync(Cancel);
            for (int second = 0; second < 3; second++)
            {
                time.Advance(TimeSpan.FromSeconds(1));
            }

            there.Resume();
            await payload.ReceiveAsync(far.Input, i * 1_000, (i + 1) * 1_000, Cancel);
        }

        Assert.False(pair.Client.IsClosed);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task NothingArrives_AndKeepAliveIsNotTaken_PeerIsDead()
    {
        var time = new FakeTimeProvider();
        (FaultyLink client, FaultyLink server, FaultyDirection there, FaultyDirection back) = FaultyLink.CreatePair();
        await using MuxPair pair = await MuxPair.OverAsync(client, server, new MuxOptions { TimeProvider = time }, new MuxOptions());
        (Session near, _) = await pair.OpenAsync();
        Task read = near.Input.ReadAsync(Cancel).AsTask();
        there.Stall();
        back.Swallow();
        await Until.DoneAsync(pair.Client.Completion, time);
        Assert.Equal(MainConnectionEnd.Timeout, (await Assert.ThrowsAsync<MainConnectionException>(() => read)).Reason);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(60)]
    [InlineData(1_000)]
    [InlineData(50_000)]
    public async Task CutAfterAnyByte_BothEndsEnd(long bytes)
    {
        (FaultyLink client, FaultyLink server, _, _) = FaultyLink.CreatePair(new Faults { CutAfter = bytes }, new Faults());
        MuxPair pair;
        try
        {
            pair = await MuxPair.OverAsync(client, server);
        }
        catch (MainConnectionException)
        {
            Assert.InRange(bytes, 0, 17); // the client's offer: without the answer there is no worker
            return;
        }

        await using (pair)
        {
            Session near = pair.Open();
            await Assert.ThrowsAsync<MainConnectionException>(() => near.WriteAsync(new byte[1_000_000]));
            await near.Completion.WaitAsync(Cancel);
            await pair.Client.Completion.WaitAsync(Cancel);
            await pair.Server.Completion.WaitAsync(Cancel);
            Assert.NotNull(pair.Server.Failure);
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Close_WhatWasWrittenArrives_ThenBothEndsKnow(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(3);
        await payload.SendAsync(near.Output, 0, 50_000, cancellationToken: Cancel);
        await pair.Client.DisposeAsync();
        (long read, MainConnectionException error) = await far.ReadToErrorAsync<MainConnectionException>(payload);
        Assert.Equal((50_000, MainConnectionEnd.ClosedByPeer), (read, error.Reason));
        await pair.Server.Completion.WaitAsync(Cancel);
        Assert.Equal(MainConnectionEnd.ClosedLocally, pair.Client.Failure?.Reason);
    }
}
