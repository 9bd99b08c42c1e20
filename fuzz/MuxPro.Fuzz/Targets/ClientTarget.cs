using MuxPro.Buffers;
using MuxPro.Protocol;
using static MuxPro.Fuzz.Conversation;

namespace MuxPro.Fuzz;

/// <summary>
/// Any bytes as what a server sends once it has negotiated, in each version and in Mux.Cool: our client neither fails inside nor hangs,
/// what it sends are frames, and when the server is gone nothing is left. The slabs are those of the process, so nothing else may use the
/// library meanwhile.
/// </summary>
internal static class ClientTarget
{
    private static readonly ProtocolVersion[] Versions = [ProtocolVersion.V0_0, ProtocolVersion.V0_1, ProtocolVersion.Private];

    public static void Run(byte[] input) => Task.Run(() => RunAsync(input)).GetAwaiter().GetResult();

    public static async Task RunAsync(byte[] input)
    {
        foreach (ProtocolVersion version in Versions)
        {
            await RunAsync(input, new MuxOptions { Versions = [version] }, new FrameReader { Version = version }).ConfigureAwait(false);
        }

        await RunAsync(
            input, new MuxOptions { Protocol = MuxProtocols.MuxCool }, new FrameReader { IsMuxCool = true }).ConfigureAwait(false);
    }

    private static async Task RunAsync(byte[] input, MuxOptions options, FrameReader reader)
    {
        long slabs = Slab.Rented;
        var complaints = new Complaints();
        (Link client, Link server) = Link.CreatePair();
        options = options with
        {
            LoggerFactory = complaints,
            KeepAliveInterval = Timeout.InfiniteTimeSpan,
            MuxCoolGrace = TimeSpan.FromMilliseconds(20),
        };
        Task reading = ReadAsync(server.Input, reader, isKnown: true);
        if (!reader.IsMuxCool)
        {
            FrameWriter.WriteNegotiateVersion(server.Output, [.. options.Versions]);
            await server.Output.FlushAsync().ConfigureAwait(false);
        }

        ClientWorker worker = await ClientWorker.StartAsync(client, strategy: null, options).ConfigureAwait(false);
        Task use = Task.WhenAll(
            TalkAsync(Open(worker)), FloodAsync(Open(worker)), ListenAsync(Open(worker)), PingAsync(OpenDatagrams(worker)));
        await SendAsync(server.Output, input).ConfigureAwait(false);
        await WaitAsync(worker.Completion, "The client does not end").ConfigureAwait(false);
        await WaitAsync(reading, "The client does not close").ConfigureAwait(false);
        await WaitAsync(use, "A session does not end").ConfigureAwait(false);
        await EnsureNothingIsLeftAsync(slabs, worker.ActiveSessions, complaints).ConfigureAwait(false);
    }

    private static Session Open(ClientWorker worker)
    {
        Ensure(worker.TryReserve(), "There is no room");
        return worker.Open(Destination.Tcp("target.example", 80));
    }

    private static DatagramSession OpenDatagrams(ClientWorker worker)
    {
        Ensure(worker.TryReserve(), "There is no room");
        return worker.OpenDatagrams(Destination.Udp("target.example", 53), new DatagramOptions { GlobalId = 7 });
    }

    private static Task TalkAsync(Session session) => UseAsync(session, async () =>
    {
        await session.Output.WriteAsync("hello"u8.ToArray()).ConfigureAwait(false);
        await session.Input.CopyToAsync(Stream.Null).ConfigureAwait(false);
    });

    // More than the first credit, and nothing read.
    private static Task FloodAsync(Session session) => UseAsync(session, async () =>
    {
        await session.Output.WriteAsync(new byte[200_000]).ConfigureAwait(false);
        session.CompleteWrites();
        await session.Completion.ConfigureAwait(false);
    });

    private static Task ListenAsync(Session session) => UseAsync(session, async () =>
    {
        session.CompleteWrites();
        await session.Input.CopyToAsync(Stream.Null).ConfigureAwait(false);
    });

    private static Task PingAsync(DatagramSession flow) => UseAsync(flow, async () =>
    {
        await flow.SendAsync("ping"u8.ToArray()).ConfigureAwait(false);
        await EchoAsync(flow).ConfigureAwait(false);
    });

    private static async Task UseAsync(IAsyncDisposable session, Func<Task> use)
    {
        try
        {
            await use().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The other end ended it, or broke a rule.
        }

        await session.DisposeAsync().ConfigureAwait(false);
    }
}
