using BenchmarkDotNet.Attributes;

namespace MuxPro.Benchmarks;

/// <summary>A session over a main connection in memory: both ends, both loops, no kernel.</summary>
[MemoryDiagnoser]
public class SessionBenchmarks
{
    private static readonly Destination Target = Destination.Tcp("bench.example", 80);
    private static readonly ClientStrategy OneMainConnection = new() { MaxConcurrency = ushort.MaxValue, MaxConnection = 0 };

    private readonly byte[] _message = new byte[64];
    private readonly byte[] _answer = new byte[64];
    private ClientManager _client = null!;
    private Task _serving = null!;
    private Stream _open = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        (Link near, Link far) = Link.CreatePair();
        _client = MuxClient.Connect(_ => ValueTask.FromResult(near), OneMainConnection);
        _serving = ServeAsync(far);
        Session session = await _client.OpenAsync(Target);
        _open = session.AsStream();
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _client.DisposeAsync();
        await _serving;
    }

    /// <summary>Opens a session, sends a byte, gets it back, closes it and waits until it is over.</summary>
    [Benchmark]
    public async Task OpenAndClose()
    {
        Session session = await _client.OpenAsync(Target);
        Stream stream = session.AsStream();
        await stream.WriteAsync(_message.AsMemory(0, 1));
        await stream.ReadExactlyAsync(_answer.AsMemory(0, 1));
        await session.DisposeAsync();
        await session.Completion;
    }

    [Benchmark]
    public async Task PingPong()
    {
        await _open.WriteAsync(_message);
        await _open.ReadExactlyAsync(_answer);
    }

    private static async Task ServeAsync(Link link)
    {
        await foreach (Session session in new Server().AcceptAllAsync(link))
        {
            _ = EchoAsync(session);
        }
    }

    private static async Task EchoAsync(Session session)
    {
        byte[] buffer = new byte[64];
        Stream stream = session.AsStream();
        try
        {
            while (await stream.ReadAsync(buffer) is > 0 and int count)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count));
            }
        }
        catch (MuxException)
        {
            // The other end went away.
        }

        await session.DisposeAsync();
    }
}
