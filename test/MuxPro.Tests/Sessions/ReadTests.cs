using System.IO.Pipelines;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>The contract of <see cref="PipeReader"/> and of <see cref="Stream"/>'s reads, with a real other end.</summary>
public sealed class ReadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task CancelledRead_LosesNoData(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(1);
        Task sending = payload.SendAsync(far.Output, 0, 500_000, 100, Cancel);
        long offset = 0;
        int cancelled = 0;
        while (offset < 500_000)
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            ValueTask<ReadResult> read = near.Input.ReadAsync(source.Token);
            if (!read.IsCompleted)
            {
                await source.CancelAsync();
            }

            try
            {
                ReadResult result = await read;
                offset += payload.Check(offset, result.Buffer);
                near.Input.AdvanceTo(result.Buffer.End);
            }
            catch (OperationCanceledException exception)
            {
                Assert.Equal(source.Token, exception.CancellationToken);
                cancelled++;
            }
        }

        await sending;
        ValueTask<ReadResult> last = near.Input.ReadAsync(new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last.AsTask());
        Assert.True(cancelled > 0, "No read was cancelled.");
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task CancelledStreamRead_LosesNoData(Wiring wiring)
    {
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        Stream stream = near.AsStream();
        var payload = new Payload(2);
        Task sending = payload.SendAsync(far.AsStream(), 0, 500_000, 100, Cancel);
        byte[] buffer = new byte[333];
        long offset = 0;
        int cancelled = 0;
        while (offset < 500_000)
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            ValueTask<int> read = stream.ReadAsync(buffer, source.Token);
            if (!read.IsCompleted)
            {
                await source.CancelAsync();
            }

            try
            {
                int count = await read;
                Assert.True(payload.Matches(offset, buffer.AsSpan(0, count)));
                offset += count;
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }
        }

        await sending;
        Assert.True(cancelled > 0, "No read was cancelled.");
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task CancelPendingRead_WakesTheRead_OrTheNextOne()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        ValueTask<ReadResult> read = near.Input.ReadAsync(Cancel);
        Assert.False(read.IsCompleted);
        near.Input.CancelPendingRead();
        ReadResult result = await read;
        Assert.True(result is { IsCanceled: true, IsCompleted: false, Buffer.IsEmpty: true });
        near.Input.AdvanceTo(result.Buffer.End);

        near.Input.CancelPendingRead();
        Assert.True(near.Input.TryRead(out result) && result.IsCanceled);
        near.Input.AdvanceTo(result.Buffer.End);
        Assert.False(near.Input.TryRead(out _));

        await far.WriteAsync(new byte[] { 1, 2, 3 });
        result = await near.Input.ReadAsync(Cancel);
        near.Input.AdvanceTo(result.Buffer.Start);
        near.Input.CancelPendingRead();
        result = await near.Input.ReadAsync(Cancel);
        Assert.True(result.IsCanceled);
        Assert.Equal(3, result.Buffer.Length);
        near.Input.AdvanceTo(result.Buffer.End);
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task TryRead_SaysWhetherThereIsSomethingNew()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        Assert.False(near.Input.TryRead(out _));
        await far.WriteAsync(new byte[] { 1, 2, 3 });
        ReadResult result = await near.Input.ReadAsync(Cancel);
        near.Input.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.End);
        Assert.False(near.Input.TryRead(out _));
        await far.WriteAsync(new byte[] { 4 });
        result = await near.Input.ReadAsync(Cancel);
        Assert.Equal([2, 3, 4], result.Buffer.FirstSpan.ToArray());
        near.Input.AdvanceTo(result.Buffer.GetPosition(1));
        Assert.True(near.Input.TryRead(out result));
        Assert.Equal([3, 4], result.Buffer.FirstSpan.ToArray());
        near.Input.AdvanceTo(result.Buffer.End);
        far.CompleteWrites();
        result = await near.Input.ReadAsync(Cancel);
        Assert.True(result is { IsCompleted: true, Buffer.IsEmpty: true });
        near.Input.AdvanceTo(result.Buffer.End);
        Assert.True(near.Input.TryRead(out result) && result.IsCompleted);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task MessageLargerThanTheWindow_ExaminedWithoutConsuming_Arrives(Wiring wiring)
    {
        const int Message = 1_000_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(3);
        Task sending = payload.SendAsync(far.Output, 0, 2 * Message, cancellationToken: Cancel);
        for (int i = 0; i < 2; i++)
        {
            ReadResult result;
            while ((result = await near.Input.ReadAsync(Cancel)).Buffer.Length < Message)
            {
                near.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }

            payload.Check(i * Message, result.Buffer.Slice(0, Message));
            near.Input.AdvanceTo(result.Buffer.GetPosition(Message));
        }

        await sending;
        Assert.InRange(near.WindowGrowth(), Message - 65_536, near.Context.Options.MaxWindow);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(1)]
    [InlineData(1_000)]
    [InlineData(30_000)]
    public async Task ConsumesAtLeastPartOfWhatIsExamined_NothingIsLost(int consume)
    {
        const int Size = 200_000;
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(4);
        Task sending = SendAndEndAsync();
        long offset = 0;
        while (true)
        {
            ReadResult result = await near.Input.ReadAsync(Cancel);
            payload.Check(offset, result.Buffer.Slice(0, Math.Min(result.Buffer.Length, 100)));
            if (result.IsCompleted)
            {
                offset += payload.Check(offset, result.Buffer);
                near.Input.AdvanceTo(result.Buffer.End);
                break;
            }

            long consumed = Math.Min(consume, result.Buffer.Length);
            offset += payload.Check(offset, result.Buffer.Slice(0, consumed));
            near.Input.AdvanceTo(result.Buffer.GetPosition(consumed), result.Buffer.End);
        }

        await sending;
        Assert.Equal(Size, offset);

        async Task SendAndEndAsync()
        {
            await payload.SendAsync(far.Output, 0, Size, 777, Cancel);
            far.CompleteWrites();
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task ZeroByteRead_WaitsForDataAndForTheEnd_TakesNothing()
    {
        await using MuxPair pair = await MuxPair.ConnectAsync();
        (Session near, Session far) = await pair.OpenAsync();
        Stream stream = near.AsStream();
        Task<int> waiting = stream.ReadAsync(Memory<byte>.Empty, Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        await far.WriteAsync(new byte[] { 7 });
        Assert.Equal(0, await waiting);
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty, Cancel));
        byte[] buffer = new byte[10];
        Assert.Equal(1, await stream.ReadAsync(buffer, Cancel));
        Assert.Equal(7, buffer[0]);
        waiting = stream.ReadAsync(Memory<byte>.Empty, Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        far.CompleteWrites();
        Assert.Equal(0, await waiting);
        Assert.Equal(0, await stream.ReadAsync(buffer, Cancel));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(MuxPair.Wirings), MemberType = typeof(MuxPair))]
    public async Task SynchronousStream_BothWays(Wiring wiring)
    {
        const int Size = 1_000_000;
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        var payload = new Payload(5);
        byte[] sent = payload.Take(0, Size);
        var writer = Task.Factory.StartNew(
            () =>
            {
                using Stream stream = far.AsStream();
                stream.Write(sent, 0, 1);
                stream.WriteByte(sent[1]);
                stream.Write(sent.AsSpan(2));
                stream.Flush();
            },
            Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var reader = Task.Factory.StartNew(
            () =>
            {
                using Stream stream = near.AsStream();
                byte[] bytes = new byte[Size];
                stream.ReadExactly(bytes, 0, Size / 2);
                stream.ReadExactly(bytes.AsSpan(Size / 2));
                Assert.Equal(-1, stream.ReadByte());
                return bytes;
            },
            Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await writer.WaitAsync(Cancel);
        byte[] received = await reader.WaitAsync(Cancel);
        Assert.True(received.AsSpan().SequenceEqual(sent));
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
    }
}
