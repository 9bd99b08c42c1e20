using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using MuxPro.Tests.Support;
using static MuxPro.Tests.Support.Links;

namespace MuxPro.Tests;

/// <summary>near [-- first | relay | second --] far</summary>
public sealed class RelayTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Kind.Memory, Kind.Memory)]
    [InlineData(Kind.Memory, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Memory)]
    [InlineData(Kind.Socket, Kind.Socket)]
    [InlineData(Kind.Session, Kind.Session)]
    [InlineData(Kind.Session, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Session)]
    [InlineData(Kind.Memory, Kind.Session)]
    [InlineData(Kind.Session, Kind.Memory)]
    public async Task HalfClose_TravelsOn_AnswerComesBack(Kind left, Kind right)
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, right, Cancel);
        await SendAsync(near, "question");
        await near.Output.CompleteAsync();
        Assert.Equal("question", await ReadToEndAsync(far));
        await SendAsync(far, "an answer");
        await far.Output.CompleteAsync();
        Assert.Equal("an answer", await ReadToEndAsync(near));
        Assert.Equal(new RelayResult(8, 9, null, null), await relay.WaitAsync(Cancel));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    [Theory]
    [InlineData(Kind.Memory, Kind.Memory)]
    [InlineData(Kind.Memory, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Memory)]
    [InlineData(Kind.Socket, Kind.Socket)]
    [InlineData(Kind.Session, Kind.Session)]
    [InlineData(Kind.Session, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Session)]
    [InlineData(Kind.Memory, Kind.Session)]
    [InlineData(Kind.Session, Kind.Memory)]
    public async Task BigData_BothWays_Equal(Kind left, Kind right)
    {
        const int Length = 5_000_003;
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, right, Cancel);
        Task<byte[]> there = SendRandomAsync(near, 1, Length);
        Task<byte[]> back = SendRandomAsync(far, 2, Length);
        Task<byte[]> atFar = HashToEndAsync(far);
        Task<byte[]> atNear = HashToEndAsync(near);
        Assert.Equal(await there, await atFar);
        Assert.Equal(await back, await atNear);
        Assert.Equal(new RelayResult(Length, Length, null, null), await relay.WaitAsync(Cancel));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    [Theory]
    [InlineData(Kind.Memory, Kind.Memory)]
    [InlineData(Kind.Memory, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Memory)]
    [InlineData(Kind.Socket, Kind.Socket)]
    [InlineData(Kind.Session, Kind.Session)]
    [InlineData(Kind.Session, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Session)]
    [InlineData(Kind.Memory, Kind.Session)]
    [InlineData(Kind.Session, Kind.Memory)]
    public async Task Reset_TravelsOn(Kind left, Kind right)
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, right, Cancel);
        await SendAsync(near, "x");
        Assert.Equal("x", await ReadSomeAsync(far, 1));
        near.Abort();
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(far));
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.IsAssignableFrom<IOException>(result.Error);
        Assert.Equal(RelaySide.First, result.FailedSide);
        Assert.Equal(1, result.BytesForward);
        await far.DisposeAsync();
    }

    [Theory]
    [InlineData(Kind.Memory, Kind.Memory)]
    [InlineData(Kind.Memory, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Memory)]
    [InlineData(Kind.Socket, Kind.Socket)]
    [InlineData(Kind.Session, Kind.Session)]
    [InlineData(Kind.Session, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Session)]
    [InlineData(Kind.Memory, Kind.Session)]
    [InlineData(Kind.Session, Kind.Memory)]
    public async Task Reset_WhileTheOtherDirectionIsStuck_TravelsOn(Kind left, Kind right)
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, right, Cancel);
        Task<byte[]> flood = SendRandomAsync(near, 3, 64 * 1024 * 1024); // far never reads
        await SendAsync(far, "x");
        Assert.Equal("x", await ReadSomeAsync(near, 1));
        far.Abort();
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.NotNull(result.Error);
        Assert.Equal(RelaySide.Second, result.FailedSide);
        await Assert.ThrowsAnyAsync<IOException>(() => flood);
        await near.DisposeAsync();
    }

    [Theory]
    [InlineData(Kind.Memory)]
    [InlineData(Kind.Socket)]
    [InlineData(Kind.Session)]
    public async Task SessionReset_WhileItsTargetTakesNothing_TravelsOn(Kind right)
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(Kind.Session, right, Cancel);
        Task<byte[]> flood = SendRandomAsync(near, 3, 64 * 1024 * 1024); // far never reads
        ReadResult some = await far.Input.ReadAtLeastAsync(64 * 1024, Cancel); // all that a link in memory takes
        far.Input.AdvanceTo(some.Buffer.Start);
        near.Abort(new SessionException(ErrorCode.OperationTimeout, "Enough."));
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.Equal(ErrorCode.OperationTimeout, Assert.IsType<SessionException>(result.Error).ErrorCode);
        Assert.Equal(RelaySide.First, result.FailedSide);
        await Assert.ThrowsAnyAsync<IOException>(() => flood);
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(far));
    }

    [Theory]
    [InlineData(Kind.Memory, Kind.Memory)]
    [InlineData(Kind.Memory, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Memory)]
    [InlineData(Kind.Socket, Kind.Socket)]
    [InlineData(Kind.Session, Kind.Session)]
    [InlineData(Kind.Session, Kind.Socket)]
    [InlineData(Kind.Socket, Kind.Session)]
    [InlineData(Kind.Memory, Kind.Session)]
    [InlineData(Kind.Session, Kind.Memory)]
    public async Task Cancelled_BothSeeAnError(Kind left, Kind right)
    {
        using var cancel = new CancellationTokenSource();
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, right, cancel.Token);
        await SendAsync(near, "x");
        Assert.Equal("x", await ReadSomeAsync(far, 1));
        await cancel.CancelAsync();
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.IsType<OperationCanceledException>(result.Error);
        Assert.Null(result.FailedSide);
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(far));
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(near));
    }

    [Fact]
    public async Task Cancelled_BeforeTheStart_BothAborted()
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(Kind.Memory, Kind.Socket, new CancellationToken(canceled: true));
        Assert.IsType<OperationCanceledException>((await relay.WaitAsync(Cancel)).Error);
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(far));
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(near));
    }

    [Fact]
    public async Task SessionException_IsTheReasonOnTheOtherSide()
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(Kind.Memory, Kind.Memory, Cancel);
        var reason = new SessionException(ErrorCode.ProxyRejected, "No.");
        near.Abort(reason);
        Assert.Same(reason, (await relay.WaitAsync(Cancel)).Error);
        Assert.Same(reason, await Assert.ThrowsAsync<SessionException>(() => ReadToEndAsync(far)));
    }

    [Theory]
    [InlineData(Kind.Memory)]
    [InlineData(Kind.Socket)]
    [InlineData(Kind.Session)]
    public async Task ReaderGone_OtherDirectionFinishes(Kind left)
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(left, Kind.Memory, Cancel);
        await far.Input.CompleteAsync();
        await SendAsync(near, "nobody reads this");
        await SendAsync(far, "the last word");
        await far.Output.CompleteAsync();
        Assert.Equal("the last word", await ReadSomeAsync(near, 13));
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.Equal(ErrorCode.RemoteDisconnect, Assert.IsType<SessionException>(result.Error).ErrorCode);
        Assert.Equal((0, 13, RelaySide.Second), (result.BytesForward, result.BytesBackward, result.FailedSide));
        await near.DisposeAsync();
    }

    [Fact]
    public async Task SocketClosesOnUnreadBytes_WhatItSaidArrives_ThenTheReset()
    {
        (Link near, Link far, Task<RelayResult> relay) = await StartAsync(Kind.Socket, Kind.Socket, Cancel);
        Task<byte[]> flood = SendRandomAsync(near, 3, 64 * 1024 * 1024);
        ReadResult some = await far.Input.ReadAsync(Cancel);
        far.Input.AdvanceTo(some.Buffer.End);
        await SendAsync(far, "the last word");
        await far.DisposeAsync();
        Assert.Equal("the last word", await ReadSomeAsync(near, 13));
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.NotNull(result.Error);
        Assert.Equal((13, RelaySide.Second), (result.BytesBackward, result.FailedSide));

        // A reset is told once, to whoever comes first: to the writer here.
        await Assert.ThrowsAnyAsync<IOException>(() => flood);
        await near.DisposeAsync();
    }

    [Fact]
    public async Task Idle_StreamIsAskedWithoutABuffer()
    {
        var stream = new ScriptedStream(10, 64 * 1024, 64 * 1024, 7, 0);
        (Link second, Link far) = Link.CreatePair(1 << 20);
        Task<RelayResult> relay = Relay.RunAsync(Link.FromStream(new ScriptedStream(0)), Link.FromStream(stream), Cancel);
        await relay.WaitAsync(Cancel);
        // Short reads are followed by an empty one, full ones by the next.
        Assert.Equal([0, 65536, 0, 65536, 65536, 65536, 0, 65536], stream.Asked);

        var toPipe = new ScriptedStream(10, 7, 0);
        relay = Relay.RunAsync(Link.FromStream(toPipe), second, Cancel);
        await far.Output.CompleteAsync();
        await relay.WaitAsync(Cancel);
        Assert.Equal([0, -1, 0, -1, 0, -1], toPipe.Asked.Select(length => length == 0 ? 0 : -1));
    }

    [Fact]
    public void Steadily_NothingIsAllocatedPerChunk()
    {
        Measure(10);
        long few = Measure(100);
        long many = Measure(10_000);
        Assert.InRange(many - few, -1024, 1024);

        static long Measure(int chunks)
        {
            var first = new ScriptedStream([.. Enumerable.Repeat(1000, chunks), 0]) { Records = false };
            var second = new ScriptedStream(0) { Records = false };
            long before = GC.GetAllocatedBytesForCurrentThread();
            Task<RelayResult> relay = Relay.RunAsync(Link.FromStream(first), Link.FromStream(second));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(relay.IsCompletedSuccessfully);
            return allocated;
        }
    }

    private static async Task<(Link Near, Link Far, Task<RelayResult> Relay)> StartAsync(
        Kind left, Kind right, CancellationToken cancellationToken)
    {
        (Link near, Link first) = await ConnectAsync(left, Cancel);
        (Link second, Link far) = await ConnectAsync(right, Cancel);
        return (near, far, Relay.RunAsync(first, second, cancellationToken));
    }

    private static async Task SendAsync(Link link, string text) => await link.Output.WriteAsync(Encoding.ASCII.GetBytes(text), Cancel);

    private static async Task<string> ReadToEndAsync(Link link)
    {
        using var all = new MemoryStream();
        await link.Input.CopyToAsync(all, Cancel);
        return Encoding.ASCII.GetString(all.ToArray());
    }

    private static async Task<string> ReadSomeAsync(Link link, int length)
    {
        ReadResult result = await link.Input.ReadAtLeastAsync(length, Cancel);
        string text = Encoding.ASCII.GetString(result.Buffer);
        link.Input.AdvanceTo(result.Buffer.End);
        return text;
    }

    private static async Task<byte[]> SendRandomAsync(Link link, int seed, int length)
    {
        var random = new Random(seed);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[100_000];
        for (int sent = 0; sent < length;)
        {
            Memory<byte> part = chunk.AsMemory(0, Math.Min(random.Next(1, chunk.Length), length - sent));
            random.NextBytes(part.Span);
            hash.AppendData(part.Span);
            FlushResult flushed = await link.Output.WriteAsync(part, Cancel);
            if (flushed.IsCompleted)
            {
                throw new IOException("The reader is gone.");
            }

            sent += part.Length;
        }

        await link.Output.CompleteAsync();
        return hash.GetHashAndReset();
    }

    private static async Task<byte[]> HashToEndAsync(Link link) => await SHA256.HashDataAsync(link.Input.AsStream(leaveOpen: true), Cancel);
}
