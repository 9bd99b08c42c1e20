using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using static MuxPro.Tests.Support.Links;

namespace MuxPro.Tests;

/// <summary>How a relay ends of which one side is gone, or silent: near [-- first | relay | second --] far</summary>
public sealed class RelayEndTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A reset would overtake the answer that waits in the session.</summary>
    [Fact(Timeout = 60_000)]
    public async Task SocketClosesOnUnreadBytes_WhatItSaidArrives_ThroughASession()
    {
        (Link near, Link first) = await ConnectAsync(Kind.Session, Cancel);
        (Link second, Link far) = await ConnectAsync(Kind.Socket, Cancel);
        Task<RelayResult> relay = Relay.RunAsync(first, second, Cancel);
        Task flood = near.Output.WriteAsync(new byte[64 * 1024 * 1024], Cancel).AsTask();
        ReadResult some = await far.Input.ReadAsync(Cancel);
        far.Input.AdvanceTo(some.Buffer.End);
        await SendAsync(far, "the last word");
        await far.DisposeAsync();
        RelayResult result = await relay.WaitAsync(Cancel);
        Assert.Equal((13, RelaySide.Second), (result.BytesBackward, result.FailedSide));
        Assert.Equal("the last word", await ReadSomeAsync(near, 13));
        await near.DisposeAsync();
        await flood.WaitAsync(Cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(Kind.Memory)]
    [InlineData(Kind.Socket)]
    [InlineData(Kind.Session)]
    public async Task HalfClosed_AndSilent_EndsInTime_InOrder(Kind left)
    {
        var time = new FakeTimeProvider();
        (Link near, Link first) = await ConnectAsync(left, Cancel);
        (Link second, Link far) = await ConnectAsync(Kind.Socket, Cancel);
        Task<RelayResult> relay = Relay.RunAsync(first, second, TimeSpan.FromMinutes(10), time, Cancel);
        await SendAsync(near, "question");
        await near.Output.CompleteAsync();
        Assert.Equal("question", await ReadToEndAsync(far));
        await SendAsync(far, "half");
        Assert.Equal("half", await ReadSomeAsync(near, 4));
        while (!relay.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.IsType<TimeoutException>((await relay).Error);
        Assert.Equal("", await ReadToEndAsync(near));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task HalfClosed_AndGone_EndsAtOnce()
    {
        var time = new FakeTimeProvider();
        (Link near, Link first) = await ConnectAsync(Kind.Socket, Cancel);
        (Link second, Link far) = await ConnectAsync(Kind.Socket, Cancel);
        Task<RelayResult> relay = Relay.RunAsync(first, second, Timeout.InfiniteTimeSpan, time, Cancel);
        await SendAsync(near, "question");
        await near.Output.CompleteAsync();
        Assert.Equal("question", await ReadToEndAsync(far));
        near.Abort();
        while (!relay.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(15));
            await Task.Yield();
        }

        Assert.Equal(RelaySide.First, (await relay).FailedSide);
        await far.DisposeAsync();
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
}
