using System.Text;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class HandshakeReaderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Head_AnyCut_EndsAtTheEmptyLine()
    {
        foreach (byte[][] cut in ScriptedStream.Cuts("a: b\r\nc: d\r\n\r\nrest"u8.ToArray()))
        {
            var reader = new HandshakeReader(new ScriptedStream(cut), capacity: 4);
            ReadOnlyMemory<byte>? head = await reader.ReadHeadAsync(64, Cancel);
            Assert.Equal("a: b\r\nc: d\r\n\r\n", Encoding.ASCII.GetString(head!.Value.Span));
            Assert.StartsWith(Encoding.ASCII.GetString(reader.Buffered.Span), "rest");
        }
    }

    [Theory]
    [InlineData(15, 15, true)]
    [InlineData(15, 14, false)]
    public async Task Head_AtItsLimit(int length, int limit, bool fits)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)'x', length - 4), .. "\r\n\r\n"u8];
        foreach (byte[][] cut in ScriptedStream.Cuts(bytes))
        {
            var reader = new HandshakeReader(new ScriptedStream(cut), capacity: 4);
            Assert.Equal(fits, await reader.ReadHeadAsync(limit, Cancel) is not null);
        }
    }

    [Fact]
    public async Task Head_Endless_GivesUpAtTheLimit()
    {
        var reader = new HandshakeReader(new ScriptedStream([new byte[100_000]], endsAfterwards: false));
        Assert.Null(await reader.ReadHeadAsync(64 * 1024, Cancel));
        Assert.True(reader.Buffered.Length <= 128 * 1024);
    }

    [Fact]
    public async Task Read_TooShort_Throws()
    {
        var reader = new HandshakeReader(new ScriptedStream([[1, 2]]));
        await Assert.ThrowsAsync<EndOfStreamException>(async () => await reader.ReadAsync(3, Cancel));
    }

    [Fact]
    public async Task Read_LongerThanTheBuffer_Grows()
    {
        byte[] bytes = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];
        foreach (int step in new[] { 1, 7, 64, 300 })
        {
            var reader = new HandshakeReader(new ScriptedStream(bytes.Chunk(step)), capacity: 8);
            Assert.Equal(bytes[..5], (await reader.ReadAsync(5, Cancel)).ToArray());
            Assert.Equal(bytes[5], await reader.PeekAsync(Cancel));
            Assert.Equal(bytes[5..], (await reader.ReadAsync(295, Cancel)).ToArray());
        }
    }

    /// <summary>A read that was begun goes on; what it brings comes in when somebody reads, and at no other time.</summary>
    [Fact]
    public async Task Watch_WhatItBrings_ComesWithTheNextRead()
    {
        (Link near, Link far) = Link.CreatePair();
        await using (near)
        await using (far)
        {
            var reader = new HandshakeReader(near.AsStream());
            using var over = new CancellationTokenSource();
            await over.CancelAsync();
            Assert.Null(await reader.WatchAsync(over.Token));
            Assert.False(reader.IsDone);
            await far.AsStream().WriteAsync("a\r\n\r\n"u8.ToArray(), Cancel);

            // The read has ended once the pipe has nothing any more: there is no other sign of it.
            while (await reader.WatchAsync(over.Token) is null)
            {
                Assert.True(reader.Buffered.IsEmpty);
                Cancel.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            Assert.Equal(5, (await reader.ReadHeadAsync(64, Cancel))!.Value.Length);
            Assert.True(reader.IsDone);
            Assert.Null(await reader.WatchAsync(over.Token));
        }
    }
}
