using System.Buffers;
using System.IO.Pipelines;
using MuxPro.Protocol;

namespace MuxPro.Tests.Engine;

/// <summary>What an application still looks at is never overwritten with another session's data.</summary>
public class HeldBytesTests
{
    [Fact(Timeout = 30_000)]
    public async Task SessionAborted_WhileItsReaderHoldsBytes_TheyStayWhatTheyAre()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        (Link near, Link far) = Link.CreatePair(1024 * 1024);
        await using IAsyncEnumerator<Session> incoming = new Server().AcceptAllAsync(far, cancel).GetAsyncEnumerator(cancel);

        await SendAsync(near, writer => FrameWriter.WriteNegotiateVersion(writer, [ProtocolVersion.V0_0]));
        await SendAsync(near, writer => Open(writer, 1, 'A', 20_000));
        Assert.True(await incoming.MoveNextAsync());
        Session held = incoming.Current;
        ReadResult result = await held.Input.ReadAtLeastAsync(20_000, cancel);

        // More than its credit ends session 1 while its reader still looks; session 2's data is received meanwhile, many slabs of it.
        await SendAsync(near, writer => Keep(writer, 1, 'B', 60_000));
        await SendAsync(near, writer => Open(writer, 2, 'C', 60_000));
        Assert.True(await incoming.MoveNextAsync());
        Session other = incoming.Current;
        for (int i = 0; i < 40; i++)
        {
            ReadResult next = await other.Input.ReadAtLeastAsync(60_000, cancel);
            other.Input.AdvanceTo(next.Buffer.End);
            await SendAsync(near, writer => Keep(writer, 2, 'C', 60_000));
        }

        Assert.True(result.Buffer.ToArray().AsSpan().IndexOfAnyExcept((byte)'A') < 0);
        await near.DisposeAsync();
    }

    private static async Task SendAsync(Link link, Action<IBufferWriter<byte>> write)
    {
        write(link.Output);
        await link.Output.FlushAsync(TestContext.Current.CancellationToken);
    }

    private static void Open(IBufferWriter<byte> writer, ushort id, char filler, int length)
    {
        FrameWriter.WriteNew(writer, id, Destination.Tcp("target.example", 80), priority: 0, globalId: 0, length);
        Fill(writer, filler, length);
    }

    private static void Keep(IBufferWriter<byte> writer, ushort id, char filler, int length)
    {
        FrameWriter.WriteKeep(writer, id, length);
        Fill(writer, filler, length);
    }

    private static void Fill(IBufferWriter<byte> writer, char filler, int length)
    {
        writer.GetSpan(length)[..length].Fill((byte)filler);
        writer.Advance(length);
    }
}
