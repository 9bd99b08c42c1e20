using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>One end of Mux.Cool against a peer that speaks bytes (SPEC 9).</summary>
public sealed class MuxCoolTests
{
    private const string New1 = "000c 0001 01 01 01 0050 01 01020304 0002 6869"; // "hi" to 1.2.3.4:80
    private const string New2 = "000c 0002 01 00 01 0050 01 01020305";

    private static readonly MuxOptions Accepting = new() { AcceptedProtocols = MuxProtocols.MuxPro | MuxProtocols.MuxCool };
    private static readonly MuxOptions Speaking = new() { Protocol = MuxProtocols.MuxCool };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_RecognisesItByItsFirstFrame_HoweverItComes()
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(Accepting);
        await using (worker)
        {
            await using Link closed = peer;
            foreach (byte one in Bytes(New1))
            {
                await peer.SendAsync([one]);
            }

            Link target = await dispatcher.AcceptAsync();
            await target.ExpectTextAsync("hi");
            await target.SendTextAsync("yo");
            await ExpectAsync(peer, "0004 0001 02 01 0002 796f");

            // The target's end is the end of both directions.
            await target.Output.CompleteAsync();
            await ExpectAsync(peer, "0004 0001 03 00");
            await target.ExpectEndOfStreamAsync();
            await Until.TrueAsync(() => worker.ActiveSessions == 0);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_ThatTakesMuxProAlone_Closes()
    {
        (ServerWorker worker, Link peer, _) = Serve(new MuxOptions());
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes(New1));
            await worker.Completion.Guarded();
            Assert.Equal(MainConnectionEnd.ProtocolError, worker.Failure!.Reason);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_ThatTakesMuxCoolAlone_Closes()
    {
        (ServerWorker worker, Link peer, _) = Serve(new MuxOptions { AcceptedProtocols = MuxProtocols.MuxCool });
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Raw.Negotiate(0));
            await worker.Completion.Guarded();
            Assert.Equal(MainConnectionEnd.ProtocolError, worker.Failure!.Reason);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_ThatTakesBoth_SpeaksMuxProToThoseWhoAsk()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(Accepting);
        await server.ExpectNothingAsync();
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_KeepOfAnUnknownId_IsAnsweredOnce()
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(Accepting);
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes(New1));
            Link target = await dispatcher.AcceptAsync();
            await peer.SendAsync(Bytes("0004 0063 02 01 0001 78 0004 0063 02 01 0001 78 0004 0000 04 01 0003 616263 0004 0062 03 00"));
            await ExpectAsync(peer, "0004 0063 03 02");
            await target.SendTextAsync("yo");
            await ExpectAsync(peer, "0004 0001 02 01 0002 796f");
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_NewThatCannotBeRead_IsRefusedAlone()
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(Accepting);
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes($"{New1} 000c 0005 01 01 03 0050 01 01020304 0001 78"));
            Link target = await dispatcher.AcceptAsync();
            await ExpectAsync(peer, "0004 0005 03 02");
            await target.SendTextAsync("yo");
            await ExpectAsync(peer, "0004 0001 02 01 0002 796f");
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_EndOfTheClient_EndsTheTarget()
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(Accepting);
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes(New1));
            Link target = await dispatcher.AcceptAsync();
            await peer.SendAsync(Bytes("0004 0001 03 00"));
            await target.ExpectTextAsync("hi");
            await target.ExpectEndOfStreamAsync();
            await Until.TrueAsync(() => worker.ActiveSessions == 0);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_EndRightBehindTheData_IsDeliveredAllTheSame()
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(Accepting);
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes(New1 + "0004 0001 03 00"));
            Link target = await dispatcher.AcceptAsync();
            await target.ExpectTextAsync("hi");
            await target.ExpectEndOfStreamAsync();
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Server_EndedAndNeverReached_IsGivenUpWithItsMainConnection()
    {
        (Link server, Link peer) = Link.CreatePair();
        var ended = new TaskCompletionSource<CancellationToken>();
        var open = new TaskCompletionSource<CancellationToken>();
        FakeDispatcher dispatcher = new FakeDispatcher()
            .On("1.2.3.4", cancellationToken => NeverAsync(ended, cancellationToken))
            .On("1.2.3.5", cancellationToken => NeverAsync(open, cancellationToken));
        await using var worker = new ServerWorker(server, dispatcher, Accepting);
        await peer.SendAsync(Bytes(New1 + "0004 0001 03 00" + New2));
        CancellationToken[] given = await Task.WhenAll(ended.Task, open.Task).Guarded();
        Assert.DoesNotContain(given, token => token.IsCancellationRequested);
        await peer.DisposeAsync();
        await Until.TrueAsync(() => given.All(token => token.IsCancellationRequested));

        static async ValueTask<Link> NeverAsync(TaskCompletionSource<CancellationToken> asked, CancellationToken cancellationToken)
        {
            asked.SetResult(cancellationToken);
            return await new TaskCompletionSource<Link>().Task.WaitAsync(cancellationToken);
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Client_SaysNothingFirst_AndWritesPiecesOfEightKibibytes()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Assert.Equal(MuxProtocols.MuxCool, worker.Protocol);
        Session session = Open(worker);
        await ExpectAsync(peer, "000c 0001 01 00 01 0050 01 01020304");
        await session.Output.WriteAsync(new byte[20_000], Cancel);
        int left = 20_000;
        while (left > 0)
        {
            byte[] head = await peer.ReadExactlyAsync(8);
            Assert.Equal("000400010201", Convert.ToHexString(head, 0, 6));
            int length = (head[6] << 8) | head[7];
            Assert.InRange(length, 1, 8192);
            await peer.ReadExactlyAsync(length);
            left -= length;
        }

        Assert.Equal(0, left);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Client_HalfClosed_IsStillAnswered()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Session session = Open(worker);
        session.CompleteWrites();
        await ExpectAsync(peer, "000c 0001 01 00 01 0050 01 01020304");
        await peer.SendAsync(Bytes("0004 0001 02 01 0002 796f 0004 0001 03 00"));
        await session.ExpectTextAsync("yo");
        await session.ExpectEndOfStreamAsync();
        Assert.Equal(ErrorCode.GracefulShutdown, session.EndCode);
        Assert.Equal(0, worker.ActiveSessions);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Client_DoneWithBothDirections_Ends()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Session session = Open(worker);
        await ExpectAsync(peer, "000c 0001 01 00 01 0050 01 01020304");
        await session.DisposeAsync();
        await ExpectAsync(peer, "0004 0001 03 00");
        await session.Completion.Guarded();
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Client_HalfClosedAndNeverAnswered_EndsAfterAWhile()
    {
        var time = new FakeTimeProvider();
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking with { TimeProvider = time }, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Session session = Open(worker);
        session.CompleteWrites();
        await ExpectAsync(peer, "000c 0001 01 00 01 0050 01 01020304");
        time.Advance(TimeSpan.FromSeconds(31));
        time.Advance(TimeSpan.FromSeconds(1));
        await ExpectAsync(peer, "0004 0001 03 00");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task EndOfTheOtherEnd_WhileWriting_IsNoFailureOfThePipe()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Session session = Open(worker);
        await peer.SendAsync(Bytes("0004 0001 03 00"));
        await session.Completion.Guarded();
        session.Output.GetMemory(1);
        session.Output.Advance(1);
        Assert.True((await session.Output.FlushAsync(Cancel)).IsCompleted);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ErrorOfTheOtherEnd_FailsTheSession()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Session session = Open(worker);
        await peer.SendAsync(Bytes("0004 0001 03 02"));
        await session.ExpectErrorAsync(ErrorCode.RemoteDisconnect, remote: true);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task KeepAlive_IsNeverSent()
    {
        var time = new FakeTimeProvider();
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking with { TimeProvider = time }, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        for (int i = 0; i < 300; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Open(worker);
        await ExpectAsync(peer, "000c 0001 01 00 01 0050 01 01020304");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Datagrams_OneAFrame_AndNoneThatV2RayWouldDieOf()
    {
        (Link near, Link peer) = Link.CreatePair();
        await using ClientWorker worker = await ClientWorker.StartAsync(near, null, Speaking, Cancel);
        await using Link closed = peer; // first: an orderly close waits for the other end
        Assert.True(worker.TryReserve());
        DatagramSession flow = worker.OpenDatagrams(Destination.Parse("udp:1.2.3.4:53"), new DatagramOptions { GlobalId = 7 });
        Assert.False(flow.IsFullCone);
        await ExpectAsync(peer, "000c 0001 01 00 02 0035 01 01020304");
        Assert.False(await flow.SendAsync(new byte[2049], cancellationToken: Cancel));
        Assert.True(await flow.SendAsync("a"u8.ToArray(), cancellationToken: Cancel));
        await ExpectAsync(peer, "0004 0001 02 01 0001 61");
        await peer.SendAsync(Bytes("0004 0001 02 01 0002 6262"));
        Assert.Equal("bb"u8.ToArray(), (await flow.ReceiveAsync(Cancel))!.Value.Data.ToArray());
        await flow.DisposeAsync();
        await ExpectAsync(peer, "0004 0001 03 00");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Worker_CarriesNoMoreThan128InItsLife()
    {
        var workers = new List<Link>();
        await using var client = new ClientManager(new IncrementalWorkerPicker(new DialingWorkerFactory(
            _ =>
            {
                (Link near, Link far) = Link.CreatePair(1 << 20);
                workers.Add(far);
                return ValueTask.FromResult(near);
            },
            new ClientStrategy { MaxConcurrency = 1000, MaxConnection = 0 }, Speaking)));
        for (int i = 0; i < 129; i++)
        {
            await (await client.OpenAsync(Destination.Parse("1.2.3.4:80"), Cancel)).DisposeAsync();
        }

        Assert.Equal(2, workers.Count);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ReaderThatHasStopped_IsEndedAlone_OnceItHoldsUpOthers()
    {
        var time = new FakeTimeProvider();
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher, Link stuck) = await ServeSmallBufferAsync(time);
        await using (worker)
        {
            await using Link closed = peer;
            await peer.SendAsync(Bytes(New2));
            Link neighbour = await dispatcher.AcceptAsync();

            // Nobody reads at the first target: what a pipe holds, what the session holds, and more.
            Task flood = FloodAsync(peer, 200);
            await Until.TrueAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(10));
                return worker.ActiveSessions == 1;
            });
            await flood.Guarded();
            await ExpectAsync(peer, "0004 0001 03 02");
            await stuck.ExpectResetAsync();
            await peer.SendAsync(Bytes("0004 0002 02 01 0005 7374696c6c"));
            await neighbour.ExpectTextAsync("still");
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ReaderThatHasStopped_Alone_MayTakeItsTime()
    {
        var time = new FakeTimeProvider();
        (ServerWorker worker, Link peer, _, Link target) = await ServeSmallBufferAsync(time);
        await using (worker)
        {
            await using Link closed = peer;
            Task flood = FloodAsync(peer, 200);
            for (int i = 0; i < 100; i++)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
            }

            Assert.Equal(1, worker.ActiveSessions);
            Assert.Equal((200 * 8192) + 2, (await target.ReadExactlyAsync((200 * 8192) + 2)).Length);
            await flood.Guarded();
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ReaderThatHasStopped_AloneOnAServer_DoesNotHoldUpWhoWaitsBehindForEver()
    {
        var time = new FakeTimeProvider();
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher, Link stuck) = await ServeSmallBufferAsync(time);
        await using (worker)
        {
            await using Link closed = peer;
            // The server does not see the second New before it has read the flood.
            Task behind = FloodAsync(peer, 200).ContinueWith(_ => peer.SendAsync(Bytes(New2)), TaskScheduler.Default).Unwrap();
            long start = time.GetTimestamp();
            await Until.TrueAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                return behind.IsCompleted;
            });
            Assert.InRange(time.GetElapsedTime(start), 60 * Accepting.MuxCoolGrace, TimeSpan.MaxValue);
            await stuck.ExpectResetAsync();
            await (await dispatcher.AcceptAsync()).DisposeAsync();
        }
    }

    private static async Task FloodAsync(Link peer, int frames)
    {
        byte[] frame = [.. Bytes("0004 0001 02 01 2000"), .. new byte[8192]];
        for (int i = 0; i < frames; i++)
        {
            await peer.SendAsync(frame);
        }
    }

    private static Session Open(ClientWorker worker)
    {
        Assert.True(worker.TryReserve());
        return worker.Open(Destination.Parse("1.2.3.4:80"));
    }

    private static (ServerWorker Worker, Link Peer, FakeDispatcher Dispatcher) Serve(MuxOptions options)
    {
        (Link server, Link client) = Link.CreatePair();
        var dispatcher = new FakeDispatcher();
        return (new ServerWorker(server, dispatcher, options), client, dispatcher);
    }

    private static async Task ExpectAsync(Link peer, string bytes)
    {
        byte[] expected = Bytes(bytes);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(await peer.ReadExactlyAsync(expected.Length)));
    }

    /// <summary>A server with the least buffer, and what its first sub-connection reaches.</summary>
    private static async Task<(ServerWorker Worker, Link Peer, FakeDispatcher Dispatcher, Link Target)> ServeSmallBufferAsync(
        TimeProvider time)
    {
        (ServerWorker worker, Link peer, FakeDispatcher dispatcher) = Serve(
            Accepting with { MuxCoolBuffer = 16 * 1024, TimeProvider = time });
        await peer.SendAsync(Bytes(New1));
        return (worker, peer, dispatcher, await dispatcher.AcceptAsync());
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
