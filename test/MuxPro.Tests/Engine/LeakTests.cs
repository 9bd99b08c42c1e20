using System.Collections.Concurrent;
using MuxPro.Buffers;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Nothing is left over (design 4.9), and the steady state allocates nothing per frame.</summary>
[Collection(nameof(Alone))]
public sealed class LeakTests
{
#if DEBUG
    private const bool IsDebug = true;
#else
    private const bool IsDebug = false;
#endif

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task OpenTransferCutReconnect_1000Times_NothingIsLeft()
    {
        var unobserved = new ConcurrentQueue<Exception>();
        void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs e) => unobserved.Enqueue(e.Exception);
        await CycleAsync(0);
        await CycleAsync(1);
        await CycleAsync(2);
        await CycleAsync(3);
        Collect();
        unobserved.Clear();
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        try
        {
            long slabs = Slab.Rented;
            int sockets = Sockets();
            var connections = new List<WeakReference>();
            for (int i = 0; i < 1_000; i++)
            {
                connections.Add(await CycleAsync(i));
            }

            await Until.TrueAsync(() => Slab.Rented <= slabs);
            await Until.TrueAsync(() => Sockets() <= sockets);

            // A clock, a loop or a task that was left behind would keep its connection alive.
            await Until.TrueAsync(() =>
            {
                Collect();
                return connections.Count(static connection => connection.IsAlive) <= 2;
            });
            Assert.Empty(unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= OnUnobserved;
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(Wiring.Memory, 400)] // the platform's streams over pipes
    [InlineData(Wiring.Tcp, 16)]
    public async Task SmallMessages_AllocateNothing(Wiring wiring, int most)
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        await using MuxPair pair = await MuxPair.ConnectAsync(wiring);
        (Session near, Session far) = await pair.OpenAsync();
        byte[] message = new byte[64];
        await Task.Run(() => TurnsAsync(5_000), Cancel); // not in the test's own context, which allocates per await
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.Run(() => TurnsAsync(20_000), Cancel);
        long perTurn = (GC.GetTotalAllocatedBytes(precise: true) - before) / 20_000;
        TestContext.Current.TestOutputHelper?.WriteLine($"{perTurn} bytes per message and answer");
        Assert.InRange(perTurn, 0, most);

        async Task TurnsAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                await near.Output.WriteAsync(message);
                far.Input.AdvanceTo((await far.Input.ReadAsync()).Buffer.End);
                await far.Output.WriteAsync(message);
                near.Input.AdvanceTo((await near.Input.ReadAsync()).Buffer.End);
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Bulk_AllocatesNothingPerFrame()
    {
        const long Size = 256L * 1024 * 1024;
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");

        // A small window is full at once: slabs are made while it fills, and used again afterwards.
        await using MuxPair pair = await MuxPair.ConnectAsync(Wiring.Tcp, new MuxOptions { MaxWindow = 1024 * 1024 });
        (Session near, Session far) = await pair.OpenAsync();
        byte[] block = new byte[64 * 1024];
        await Task.Run(() => MoveAsync(Size / 4), Cancel);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.Run(() => MoveAsync(Size), Cancel);
        double perMiB = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(Size >> 20);
        TestContext.Current.TestOutputHelper?.WriteLine($"{perMiB:f0} bytes per MiB");
        Assert.InRange(perMiB, 0, 32 * 128); // 32 frames of 32 KiB

        async Task MoveAsync(long size)
        {
            Task writing = Task.Run(WriteAsync, Cancel);
            long left = size;
            while (left > 0)
            {
                System.IO.Pipelines.ReadResult result = await far.Input.ReadAsync();
                left -= result.Buffer.Length;
                far.Input.AdvanceTo(result.Buffer.End);
            }

            await writing;

            async Task WriteAsync()
            {
                for (long written = 0; written < size; written += block.Length)
                {
                    await near.Output.WriteAsync(block);
                }
            }
        }
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private static int Sockets() => OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Count(IsSocket) : 0;

    private static bool IsSocket(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false; // closed since the list was made
        }
    }

    /// <summary>One main connection with three sub-connections that are under way when it ends, each time in another way.</summary>
    private static async Task<WeakReference> CycleAsync(int i)
    {
        MuxPair pair = await MuxPair.ConnectAsync(i % 4 == 3 ? Wiring.Tcp : Wiring.Memory);
        (Session done, Session doneFar) = await pair.OpenAsync();
        (Session reading, Session readingFar) = await pair.OpenAsync();
        (Session writing, Session writingFar) = await pair.OpenAsync();
        var payload = new Payload(i);
        await payload.SendAsync(done.Output, 0, 10_000, cancellationToken: Cancel);
        await payload.ReceiveAsync(doneFar.Input, 0, 10_000, Cancel);
        await payload.SendAsync(readingFar.Output, 0, 30_000, cancellationToken: Cancel);
        Task read = reading.ReadToErrorAsync<MainConnectionException>(payload);
        Task write = Assert.ThrowsAsync<MainConnectionException>(
            () => payload.SendAsync(writing.Output, 0, 1_000_000, cancellationToken: Cancel));
        done.CompleteWrites();
        if (i % 2 == 0)
        {
            await pair.Client.DisposeAsync();
        }
        else
        {
            await pair.Server.DisposeAsync();
        }

        await pair.Client.Completion.WaitAsync(Cancel);
        await pair.Server.Completion.WaitAsync(Cancel);
        await read;
        await write;
        foreach (Session session in (Session[])[done, doneFar, reading, readingFar, writing, writingFar])
        {
            Assert.True(session.Completion.IsCompleted);
            await session.DisposeAsync();
        }

        return new WeakReference(done.Context);
    }
}
