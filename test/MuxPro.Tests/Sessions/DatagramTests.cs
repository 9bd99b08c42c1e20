using System.Buffers.Binary;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>Flows of datagrams between two ends over every transport.</summary>
public sealed class DatagramTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Burst_WhatArrivesAndWhatWasDropped_IsAllThatWasSent(Wiring wiring)
    {
        const int Count = 10_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        Task<int> receiving = ReceiveAsync(far);
        int dropped = 0;
        byte[] datagram = new byte[1350];
        for (int i = 0; i < Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(datagram, i);
            datagram.AsSpan(4).Fill((byte)i);
            dropped += await near.SendAsync(datagram.AsMemory(0, 4 + (i % 1347)), cancellationToken: Cancel) ? 0 : 1;
        }

        await near.DisposeAsync();
        int received = await receiving;
        Assert.Equal(dropped, near.Dropped);
        Assert.Equal(Count, received + near.Dropped + far.Dropped);

        static async Task<int> ReceiveAsync(DatagramSession flow)
        {
            int count = 0;
            int last = -1;
            while (await flow.ReceiveAsync(Cancel) is { } datagram)
            {
                int number = BinaryPrimitives.ReadInt32BigEndian(datagram.Data.Span);
                Assert.True(number > last, $"{number} came after {last}.");
                Assert.Equal(4 + (number % 1347), datagram.Data.Length);
                Assert.Equal(-1, datagram.Data.Span[4..].IndexOfAnyExcept((byte)number));
                last = number;
                count++;
            }

            return count;
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task Flow_ThatNobodyReads_DelaysNobody(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        (Session stream, Session end) = await pair.OpenAsync();
        var payload = new Payload(1);
        Task<long> receiving = payload.ReceiveToEndAsync(end.Input, cancellationToken: Cancel);
        long offset = 0;
        for (int i = 0; i < 2_000; i++)
        {
            await near.SendAsync(new byte[1350], cancellationToken: Cancel);
            await payload.SendAsync(stream.Output, offset, offset + 1_000, cancellationToken: Cancel);
            offset += 1_000;
        }

        stream.CompleteWrites();
        Assert.Equal(offset, await receiving);
        Assert.True(near.Dropped > 0);
        far.Abort(ErrorCode.ResourceExhaustion);
        await near.Completion.WaitAsync(Cancel);
        Assert.Equal(ErrorCode.ResourceExhaustion, near.EndCode);
        await Assert.ThrowsAsync<SessionException>(async () => await near.SendAsync(new byte[1], cancellationToken: Cancel));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ManyFlows_HoweverTheyEnd_GiveBackWhatTheyHeld()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session stream, Session end) = await pair.OpenAsync();
        await stream.WriteAsync(new byte[1]);
        for (int i = 0; i < 200; i++)
        {
            (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
            for (int j = 0; j < 10; j++)
            {
                await near.SendAsync(new byte[20_000], cancellationToken: Cancel);
                await far.SendAsync(new byte[20_000], cancellationToken: Cancel);
                if (i % 5 != 4 && await far.ReceiveAsync(Cancel) is null)
                {
                    break;
                }
            }

            switch (i % 5)
            {
                case 0:
                    await near.DisposeAsync();
                    await far.DisposeAsync();
                    break;
                case 1:
                    near.Abort(ErrorCode.RemoteDisconnect);
                    break;
                case 2:
                    far.Abort(ErrorCode.RemoteDisconnect);
                    near.Abort(ErrorCode.RemoteDisconnect);
                    break;
                case 3:
                    await far.DisposeAsync();
                    await near.DisposeAsync();
                    break;
                default:
                    await near.DisposeAsync();
                    far.Abort();
                    break;
            }

            await near.Completion.WaitAsync(Cancel);
            await far.Completion.WaitAsync(Cancel);
            await near.DisposeAsync();
            await far.DisposeAsync();
        }

        foreach (Session session in (Session[])[stream, end])
        {
            await Until.TrueAsync(() => session.WindowGrowth() == 0 && session.Context.Unsent.Bytes == 0);
            await Until.TrueAsync(() => session.Context.Unread.Bytes == (session == end ? 1 : 0));
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task CancelledReceive_LosesNoDatagram()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        for (int i = 0; i < 200; i++)
        {
            using var cancel = new CancellationTokenSource();
            ValueTask<Datagram?> receive = far.ReceiveAsync(cancel.Token);
            await near.SendTextAsync($"{i}");
            await cancel.CancelAsync();
            try
            {
                Assert.Equal($"{i}", System.Text.Encoding.UTF8.GetString((await receive)!.Value.Data.Span));
            }
            catch (OperationCanceledException)
            {
                await far.ExpectTextAsync($"{i}");
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task MainConnectionGone_EndsTheFlow()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        await near.SendTextAsync("x");
        await far.ExpectTextAsync("x");
        Task<Datagram?> waiting = near.ReceiveAsync(Cancel).AsTask();
        await pair.Server.DisposeAsync();
        await Assert.ThrowsAsync<MainConnectionException>(() => waiting);
        await Assert.ThrowsAsync<MainConnectionException>(async () => await near.SendAsync(new byte[1], cancellationToken: Cancel));
        await near.DisposeAsync();
    }
}
