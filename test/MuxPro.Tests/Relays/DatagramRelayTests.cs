using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Two flows joined, over flows in memory.</summary>
public sealed class DatagramRelayTests
{
    private static readonly Destination Target = Destination.Udp("target.example", 53);
    private static readonly Destination Other = Destination.Udp("192.0.2.7", 7);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _time = new();
    private readonly DatagramLink _application;
    private readonly DatagramLink _near;
    private readonly DatagramLink _far;
    private readonly DatagramLink _target;

    public DatagramRelayTests()
    {
        (_application, _near) = DatagramLink.CreatePair(Target);
        (_far, _target) = DatagramLink.CreatePair(Target);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Datagrams_KeepTheirAddress_AndAreCounted()
    {
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(_near, _far, Idle, _time, Cancel);
        await _application.SendAsync(new byte[3], null, Cancel);
        await _application.SendAsync(Array.Empty<byte>(), Other, Cancel);
        Assert.Equal((3, Target), await ReceiveAsync(_target));
        Assert.Equal((0, Other), await ReceiveAsync(_target));
        await _target.SendAsync(new byte[65_507], Other, Cancel);
        Assert.Equal((65_507, Other), await ReceiveAsync(_application));

        await _application.DisposeAsync();
        DatagramRelayResult result = await relay.Guarded();
        Assert.Equal(new DatagramRelayResult(2, 3, 1, 65_507, DatagramRelayEnd.Done, RelaySide.First, null), result);
        Assert.Null(await _target.ReceiveAsync(Cancel));
    }

    [Fact]
    public async Task Failure_AbortsTheOther()
    {
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(_near, _far, Idle, _time, Cancel);
        _target.Abort(new SessionException(ErrorCode.ResourceExhaustion, "Full."));
        DatagramRelayResult result = await relay.Guarded();
        Assert.Equal((DatagramRelayEnd.Failed, RelaySide.Second), (result.End, result.Side));
        Assert.Equal(ErrorCode.ResourceExhaustion, Assert.IsType<SessionException>(result.Error).ErrorCode);
        var told = await Assert.ThrowsAsync<SessionException>(async () => await _application.ReceiveAsync(Cancel));
        Assert.Equal(ErrorCode.ResourceExhaustion, told.ErrorCode);
    }

    [Fact]
    public async Task Cancelled_AbortsBoth_WithAFailure()
    {
        using var cancel = new CancellationTokenSource();
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(_near, _far, Idle, _time, cancel.Token);
        await cancel.CancelAsync();
        DatagramRelayResult result = await relay.Guarded();
        Assert.Equal((DatagramRelayEnd.Cancelled, (RelaySide?)null), (result.End, result.Side));
        Assert.IsType<OperationCanceledException>(result.Error);
        await Assert.ThrowsAsync<SessionException>(async () => await _application.ReceiveAsync(Cancel));
        await Assert.ThrowsAsync<SessionException>(async () => await _target.ReceiveAsync(Cancel));
    }

    [Fact]
    public async Task Cancelled_WhatWaitsIsLeftForTheNextRelay()
    {
        const int Sent = 200;
        int received = 0;
        for (int round = 0; round < Sent; round++)
        {
            using var cancel = new CancellationTokenSource();
            Task<DatagramRelayResult> relay = DatagramRelay.CopyAsync(_near, _far, Idle, _time, cancel.Token);
            Task cancelling = Task.Run(cancel.Cancel, Cancel);
            Assert.True(await _application.SendAsync(new byte[round], null, Cancel));
            await cancelling;
            DatagramRelayResult result = await relay.Guarded();
            Assert.Equal(DatagramRelayEnd.Cancelled, result.End);
            for (long i = 0; i < result.DatagramsForward; i++)
            {
                Assert.Equal((received++, Target), await ReceiveAsync(_target));
            }
        }

        Task<DatagramRelayResult> last = DatagramRelay.CopyAsync(_near, _far, Idle, _time, Cancel);
        while (received < Sent)
        {
            Assert.Equal((received++, Target), await ReceiveAsync(_target));
        }

        await _application.DisposeAsync();
        await last.Guarded();
    }

    [Fact]
    public async Task Idle_EndsInOrder_CountedFromTheLastDatagramOfEither()
    {
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(_near, _far, Idle, _time, Cancel);
        _time.Advance(Idle - TimeSpan.FromSeconds(1));
        await _application.SendAsync(new byte[1], null, Cancel);
        await ReceiveAsync(_target);
        _time.Advance(Idle - TimeSpan.FromSeconds(1));
        await _target.SendAsync(new byte[1], null, Cancel);
        await ReceiveAsync(_application);
        _time.Advance(Idle - TimeSpan.FromSeconds(1));
        Assert.False(relay.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        DatagramRelayResult result = await relay.Guarded();
        Assert.Equal((DatagramRelayEnd.Idle, (RelaySide?)null, (Exception?)null), (result.End, result.Side, result.Error));
        Assert.Null(await _application.ReceiveAsync(Cancel));
        Assert.Null(await _target.ReceiveAsync(Cancel));
    }

    [Fact]
    public async Task Flood_DoesNotKeepTheOtherDirectionFromStarting()
    {
        await using var endless = new Endless();
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(endless, _far, Idle, _time, Cancel);
        await _target.SendAsync(new byte[1], null, Cancel);
        await endless.Received.Task.Guarded();
        await _target.DisposeAsync();
        Assert.Equal(RelaySide.Second, (await relay.Guarded()).Side);
    }

    [Fact]
    public async Task Pair_NoRoom_DroppedAndCounted()
    {
        (DatagramLink first, DatagramLink second) = DatagramLink.CreatePair(Target, capacity: 3);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(i < 3, await first.SendAsync(new byte[i], null, Cancel));
        }

        Assert.False(await second.SendAsync(new byte[DatagramLink.MaxDatagram + 1], null, Cancel));
        Assert.Equal((2, 1), (first.Dropped, second.Dropped));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal((i, Target), await ReceiveAsync(second));
        }

        await first.DisposeAsync();
        Assert.Null(await second.ReceiveAsync(Cancel));
        Assert.Null(await first.ReceiveAsync(Cancel));
        Assert.False(await second.SendAsync(new byte[1], null, Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await first.SendAsync(new byte[1], null, Cancel));
    }

    [Fact]
    public void Timeout_NotPositive_Refused()
        => Assert.Throws<ArgumentOutOfRangeException>(() => { _ = DatagramRelay.CopyAsync(_near, _far, TimeSpan.Zero, _time, Cancel); });

    private static async Task<(int Length, Destination Address)> ReceiveAsync(DatagramLink link)
    {
        Datagram? datagram = await link.ReceiveAsync(Cancel).Guarded();
        Assert.NotNull(datagram);
        return (datagram.Value.Data.Length, datagram.Value.Address);
    }

    /// <summary>A flow whose datagrams never cease, and never make anybody wait.</summary>
    private sealed class Endless : DatagramLink
    {
        public TaskCompletionSource Received { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Destination Destination => Target;

        public override bool IsFullCone => true;

        public override ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ValueTask.FromResult<Datagram?>(new Datagram(default, Target));
        }

        public override ValueTask<bool> SendAsync(
            ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        {
            Received.TrySetResult();
            return ValueTask.FromResult(true);
        }

        public override void Abort(Exception? reason = null)
        {
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
