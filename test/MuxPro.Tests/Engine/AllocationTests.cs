using System.IO.Pipelines;
using MuxPro.Buffers;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>
/// The steady state allocates nothing per frame. Total allocation of the process, the least of a few rounds after a warm-up: what the
/// platform and the test itself allocate now and then is far below a byte per frame, and any allocation of the engine's far above.
/// </summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    // The smallest object is 24 bytes.
    private const double MostPerFrame = 8;
    private const int Block = 64 * 1024;
    private const int Blocks = 16_000;
    private const int Rounds = 3;

    private static readonly byte[] Written = new byte[Block];
    private static readonly byte[] Read = new byte[Block];

#if DEBUG
    private const bool IsDebug = true;
#else
    private const bool IsDebug = false;
#endif

    // A small window is full at once: slabs are made while it fills, and used again afterwards.
    private static readonly MuxOptions Settings = new() { MaxWindow = 1024 * 1024, MaxFramePayload = Slab.LargePayload };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(1)] // copied ahead
    [InlineData(40)] // sent from where it was written
    public async Task Bulk_FromPipeToPipe(int sessions)
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        await using MuxPair pair = await MuxPair.ConnectAsync(Wiring.Tcp, Settings);
        List<(Session Near, Session Far)> pairs = await OpenAsync(pair, sessions);
        await AssertNothingAsync(
            () => Task.WhenAll(pairs.Select(both => Task.Run(() => MoveAsync(both.Near, both.Far, Blocks / sessions)))));

        static async Task MoveAsync(Session near, Session far, int blocks)
        {
            Task writing = Task.Run(() => WriteAsync(near.Output, blocks));
            for (long left = (long)blocks * Block; left > 0;)
            {
                ReadResult result = await far.Input.ReadAsync();
                left -= result.Buffer.Length;
                far.Input.AdvanceTo(result.Buffer.End);
            }

            await writing;
        }

        static async Task WriteAsync(PipeWriter output, int blocks)
        {
            for (int i = 0; i < blocks; i++)
            {
                await output.WriteAsync(Written);
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Bulk_FromStreamToStream()
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        await using MuxPair pair = await MuxPair.ConnectAsync(Wiring.Tcp, Settings);
        (Session near, Session far) = (await OpenAsync(pair, 1))[0];
        await AssertNothingAsync(async () =>
        {
            Task writing = Task.Run(() => WriteAsync(near.AsStream()));
            for (long left = (long)Blocks * Block; left > 0;)
            {
                left -= await far.AsStream().ReadAsync(Read.AsMemory());
            }

            await writing;
        });

        static async Task WriteAsync(Stream output)
        {
            for (int i = 0; i < Blocks; i++)
            {
                await output.WriteAsync(Written.AsMemory());
            }
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Datagrams_ThereAndBack_WithAddresses()
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        await using MuxPair pair = await MuxPair.ConnectAsync(Wiring.Tcp, Settings);
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        var third = Destination.Udp("10.0.0.3", 53);
        ReadOnlyMemory<byte> sent = Written.AsMemory(0, 1350);
        await AssertNothingAsync(async () =>
        {
            Task echo = Task.Run(EchoAsync);
            for (int i = 0; i < Blocks; i++)
            {
                await near.SendAsync(sent, third);
                await near.ReceiveAsync();
            }

            await echo;
        });

        async Task EchoAsync()
        {
            for (int i = 0; i < Blocks; i++)
            {
                Datagram? datagram = await far.ReceiveAsync();
                await far.SendAsync(datagram!.Value.Data, datagram.Value.Address);
            }
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PickWithRoom(bool leastLoaded)
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        var strategy = new ClientStrategy { MaxAge = TimeSpan.FromDays(1), MaxBytes = long.MaxValue };
        DialingWorkerFactory factory = new Dialler().Factory(strategy);
        await using WorkerPool pool = leastLoaded ? new LeastLoadedWorkerPicker(factory) : new IncrementalWorkerPicker(factory);
        (await pool.PickAvailableAsync(Cancel)).Release();
        long allocated = Measure(pool);
        allocated = Math.Min(allocated, Measure(pool));
        Assert.Equal(0, allocated);

        static long Measure(WorkerPool pool)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                ValueTask<ClientWorker> pick = pool.PickAvailableAsync(CancellationToken.None);
                Assert.True(pick.IsCompletedSuccessfully);
                pick.Result.Release();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static async Task<List<(Session Near, Session Far)>> OpenAsync(MuxPair pair, int sessions)
    {
        var pairs = new List<(Session, Session)>();
        for (int i = 0; i < sessions; i++)
        {
            pairs.Add(await pair.OpenAsync());
        }

        return pairs;
    }

    private static async Task AssertNothingAsync(Func<Task> move)
    {
        await Task.Run(move, Cancel); // not in the test's own context, which allocates per await
        double least = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await Task.Run(move, Cancel);

            // Each block made a frame, or two.
            long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            least = Math.Min(least, allocated / (double)Blocks);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{least:f2} bytes per block of {Block} bytes");
        Assert.InRange(least, 0, MostPerFrame);
    }
}
