using System.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Tests.Engine;

public class MainConnectionStartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 30_000)]
    public async Task OfferIsInBeforeTheServerStarts_IsAnswered()
    {
        (Link near, Link far) = Link.CreatePair();
        var offer = new ArrayBufferWriter<byte>();
        FrameWriter.WriteNegotiateVersion(offer, [ProtocolVersion.V0_0]);
        await near.Output.WriteAsync(offer.WrittenMemory, Cancel);
        await using var worker = new ServerWorker(far, new DirectDispatcher());
        byte[] answer = new byte[offer.WrittenCount];
        await near.AsStream().ReadExactlyAsync(answer, Cancel);
        Assert.Equal(offer.WrittenSpan, answer);
        await near.DisposeAsync();
    }

    [Fact(Timeout = 30_000)]
    public async Task LinkCarriesAMainConnection_SecondIsRefused_FirstGoesOn()
    {
        (Link near, Link far) = Link.CreatePair();
        Task serving = EchoAsync(far);
        await using (ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near), new ClientStrategy { MaxConcurrency = 1 }))
        {
            await using Session first = await client.OpenAsync(Destination.Tcp("echo.example", 7), Cancel);
            var error = await Assert.ThrowsAsync<MainConnectionException>(
                async () => await client.OpenAsync(Destination.Tcp("echo.example", 7), Cancel));
            Assert.Equal(MainConnectionEnd.DialFailed, error.Reason);
            Assert.IsType<InvalidOperationException>(error.InnerException);

            await first.AsStream().WriteAsync("still here"u8.ToArray(), Cancel);
            byte[] echo = new byte[10];
            await first.AsStream().ReadExactlyAsync(echo, Cancel);
            Assert.Equal("still here"u8, echo);
        }

        await serving;
    }

    [Fact(Timeout = 30_000)]
    public async Task ServerWithoutDispatcher_Throws_AndClosesTheLink()
    {
        (Link near, Link far) = Link.CreatePair();
        await Assert.ThrowsAsync<InvalidOperationException>(() => new Server().RunAsync(far, Cancel));
        await Assert.ThrowsAnyAsync<IOException>(async () => await near.Input.ReadAsync(Cancel));
    }

    [Fact(Timeout = 30_000)]
    public async Task DialReturnsNothing_IsSaid()
    {
        await using ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult<Link>(null!));
        var error = await Assert.ThrowsAsync<MainConnectionException>(
            async () => await client.OpenAsync(Destination.Tcp("echo.example", 7), Cancel));
        Assert.Contains("dial delegate", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task TransportThrowsWhatItLikes_EndsTheMainConnection_NotTheProcess()
    {
        (Link near, Link far) = Link.CreatePair();
        await using var worker = new ServerWorker(Link.FromStream(new OddStream(far.AsStream())), new DirectDispatcher());
        await worker.Completion.WaitAsync(Cancel);
        Assert.Equal(MainConnectionEnd.TransportFailed, worker.Failure?.Reason);
        await near.DisposeAsync();
    }

    [Fact]
    public void OptionOutOfRange_IsNamed()
    {
        Assert.Throws<ArgumentOutOfRangeException>("MaxConcurrency", () => new ClientStrategy { MaxConcurrency = 0 });
        Assert.Throws<ArgumentOutOfRangeException>("MaxWindow", () => new MuxOptions { MaxWindow = 1 });
        Assert.Throws<ArgumentOutOfRangeException>("WriteTimeout", () => new MuxOptions { WriteTimeout = TimeSpan.Zero });
    }

    private static async Task EchoAsync(Link link)
    {
        await foreach (Session session in new Server().AcceptAllAsync(link))
        {
            await session.Input.CopyToAsync(session.Output);
            session.CompleteWrites();
        }
    }

    private sealed class OddStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => throw new FormatException("Odd.");

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => ValueTask.FromException<int>(new FormatException("Odd."));

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
