using System.IO.Pipelines;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>How sub-connections end: in order, one direction at a time, or aborted (SPEC 6.3.4).</summary>
public sealed class EndTests
{
    private static readonly ProtocolVersion[] Versions = [ProtocolVersion.V0_0, ProtocolVersion.V0_1];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static MatrixTheoryData<Wiring, int> BothVersions { get; } = new(Enum.GetValues<Wiring>(), [0, 1]);

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(BothVersions))]
    public async Task HalfClose_LateAnswerOf10MB_Arrives(Wiring wiring, int minor)
    {
        var options = new MuxOptions { Versions = [Versions[minor]] };
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring, options);
        Assert.Equal(Versions[minor], pair.Client.Version);
        (Session near, Session far) = await pair.OpenAsync();
        var question = new Payload(1);
        var answer = new Payload(2);
        await question.SendAsync(near.Output, 0, 100, cancellationToken: Cancel);
        near.CompleteWrites();
        Assert.Equal(100, await question.ReceiveToEndAsync(far.Input, cancellationToken: Cancel));
        Task<long> reading = answer.ReceiveToEndAsync(near.Input, cancellationToken: Cancel);
        await answer.SendAsync(far.Output, 0, 10_000_000, cancellationToken: Cancel);
        far.CompleteWrites();
        Assert.Equal(10_000_000, await reading);
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        Assert.Equal((ErrorCode.GracefulShutdown, ErrorCode.GracefulShutdown), (near.EndCode, far.EndCode));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task OneSideEndsFirst_TheOtherGoesOn(Wiring wiring, bool serverFirst)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        (Session first, Session second) = serverFirst ? (far, near) : (near, far);
        var payload = new Payload(3);
        first.CompleteWrites();
        Assert.Equal(0, await payload.ReceiveToEndAsync(second.Input, cancellationToken: Cancel));
        Assert.False(first.Completion.IsCompleted || second.Completion.IsCompleted);
        for (int offset = 0; offset < 300_000; offset += 1_000)
        {
            await payload.SendAsync(second.Output, offset, offset + 1_000, cancellationToken: Cancel);
            await payload.ReceiveAsync(first.Input, offset, offset + 1_000, Cancel);
        }

        second.CompleteWrites();
        Assert.Equal(300_000, await payload.ReceiveToEndAsync(first.Input, 300_000, Cancel));
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task Abort_CodeArrives_AfterWhatWasReceived(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        (Session aborts, Session hears) = server ? (far, near) : (near, far);
        var payload = new Payload(4);
        await payload.SendAsync(aborts.Output, 0, 5_000, cancellationToken: Cancel);

        // All of it is there before the abort, but not yet consumed.
        ReadResult result;
        while ((result = await hears.Input.ReadAsync(Cancel)).Buffer.Length < 5_000)
        {
            hears.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }

        hears.Input.AdvanceTo(result.Buffer.Start);
        aborts.Abort((ErrorCode)0x4711);
        await Task.WhenAll(aborts.Completion, hears.Completion).WaitAsync(Cancel);
        Assert.Equal(((ErrorCode?)0x4711, (ErrorCode?)0x4711), (aborts.EndCode, hears.EndCode));
        (long read, SessionException heard) = await hears.ReadToErrorAsync<SessionException>(payload);
        Assert.Equal(5_000, read);
        Assert.Equal(((ErrorCode)0x4711, true), (heard.ErrorCode, heard.IsRemote));
        SessionException write = await Assert.ThrowsAsync<SessionException>(() => hears.WriteAsync(new byte[1]));
        Assert.Equal(((ErrorCode)0x4711, true), (write.ErrorCode, write.IsRemote));
        SessionException own = await Assert.ThrowsAsync<SessionException>(() => aborts.WriteAsync(new byte[1]));
        Assert.Equal(((ErrorCode)0x4711, false), (own.ErrorCode, own.IsRemote));
        (_, own) = await aborts.ReadToErrorAsync<SessionException>(payload);
        Assert.Equal(((ErrorCode)0x4711, false), (own.ErrorCode, own.IsRemote));
        await AssertLivesAsync(pair);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task Abort_WhileReadAndFlushWait_BothEndsWakeUp(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        Task<SessionException>[] waits = [.. Waits(near), .. Waits(far)];
        (server ? far : near).Abort(ErrorCode.ProxyRejected);
        foreach (SessionException error in await Task.WhenAll(waits))
        {
            Assert.Equal(ErrorCode.ProxyRejected, error.ErrorCode);
        }

        await AssertLivesAsync(pair);

        static IEnumerable<Task<SessionException>> Waits(Session session)
        {
            yield return Assert.ThrowsAsync<SessionException>(async () => await WriteForEverAsync(session));
            yield return Assert.ThrowsAsync<SessionException>(async () => await WaitForMoreAsync(session));
        }

        static async Task WriteForEverAsync(Session session)
        {
            while (true)
            {
                await session.WriteAsync(new byte[1_000_000]);
            }
        }

        static async Task WaitForMoreAsync(Session session)
        {
            // Examines all and consumes nothing, until the window is as large as what the other end has.
            while (true)
            {
                ReadResult result = await session.Input.ReadAsync(Cancel);
                session.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task CompleteOutputWithException_IsAnAbort(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        (Session fails, Session hears) = server ? (far, near) : (near, far);
        await fails.Output.CompleteAsync(new SessionException(ErrorCode.OperationTimeout, "The target is slow."));
        (_, SessionException error) = await hears.ReadToErrorAsync<SessionException>(new Payload(0));
        Assert.Equal(ErrorCode.OperationTimeout, error.ErrorCode);

        (near, far) = await pair.OpenAsync();
        (fails, hears) = server ? (far, near) : (near, far);
        await fails.Output.CompleteAsync(new InvalidDataException("Nonsense."));
        (_, error) = await hears.ReadToErrorAsync<SessionException>(new Payload(0));
        Assert.Equal(ErrorCode.RemoteDisconnect, error.ErrorCode);
        Assert.Contains(
            "Nonsense.", (await fails.ReadToErrorAsync<SessionException>(new Payload(0))).Error.Message, StringComparison.Ordinal);

        (near, far) = await pair.OpenAsync();
        (fails, hears) = server ? (far, near) : (near, far);
        await fails.Input.CompleteAsync(new InvalidDataException("Nonsense."));
        (_, error) = await hears.ReadToErrorAsync<SessionException>(new Payload(0));
        Assert.Equal(ErrorCode.RemoteDisconnect, error.ErrorCode);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task CompleteOutput_WithUnflushedBytes_SendsThem()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(5);
        await payload.SendAsync(near.Output, 0, 100, cancellationToken: Cancel);
        await payload.ReceiveAsync(far.Input, 0, 100, Cancel);
        payload.CopyTo(100, near.Output.GetSpan(50)[..50]);
        near.Output.Advance(50);
        await near.Output.CompleteAsync();
        Assert.Equal(150, await payload.ReceiveToEndAsync(far.Input, 100, Cancel));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task Dispose_WhatWasWrittenStillArrives(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        (Session writes, Session reads) = server ? (far, near) : (near, far);
        var payload = new Payload(6);
        await payload.SendAsync(writes.Output, 0, 200_000, cancellationToken: Cancel);
        await writes.DisposeAsync();
        Assert.Equal(200_000, await payload.ReceiveToEndAsync(reads.Input, cancellationToken: Cancel));
        await reads.DisposeAsync();
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        Assert.Equal((ErrorCode.GracefulShutdown, ErrorCode.GracefulShutdown), (near.EndCode, far.EndCode));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.BothSides), MemberType = typeof(MuxPair))]
    public async Task Dispose_OtherEndThatGoesOnSending_IsToldToStop(Wiring wiring, bool server)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        (Session leaves, Session sends) = server ? (far, near) : (near, far);
        await leaves.DisposeAsync();
        var payload = new Payload(7);
        SessionException error = await Assert.ThrowsAsync<SessionException>(
            () => payload.SendAsync(sends.Output, 0, 100_000_000, cancellationToken: Cancel));
        Assert.Equal(ErrorCode.RemoteDisconnect, error.ErrorCode);
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        await AssertLivesAsync(pair);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_WhileAReadWaits_TheReadEnds(bool asStream)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, _) = await pair.OpenAsync();
        Task read = asStream ? near.AsStream().ReadAsync(new byte[10], Cancel).AsTask() : near.Input.ReadAsync(Cancel).AsTask();
        await near.DisposeAsync();
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => read);
    }

    private static async Task AssertLivesAsync(MuxPair pair)
    {
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(99);
        await payload.SendAsync(near.Output, 0, 1_000, cancellationToken: Cancel);
        await payload.ReceiveAsync(far.Input, 0, 1_000, Cancel);
    }
}
