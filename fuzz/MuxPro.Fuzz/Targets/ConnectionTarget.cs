using System.Collections.Concurrent;
using MuxPro.Buffers;
using static MuxPro.Fuzz.Conversation;

namespace MuxPro.Fuzz;

/// <summary>
/// Any bytes as what a client sends: our server neither fails inside nor hangs, what it answers are frames, and when the client is gone
/// nothing is left: no session, no target, no slab. The slabs are those of the process, so nothing else may use the library meanwhile.
/// </summary>
internal static class ConnectionTarget
{
    public static void Run(byte[] input) => Task.Run(() => RunAsync(input)).GetAwaiter().GetResult();

    public static async Task RunAsync(byte[] input)
    {
        long slabs = Slab.Rented;
        var complaints = new Complaints();
        var targets = new Targets();
        (Link server, Link client) = Link.CreatePair();
        var options = new MuxOptions
        {
            LoggerFactory = complaints,
            KeepAliveInterval = Timeout.InfiniteTimeSpan,
            AcceptedProtocols = MuxProtocols.MuxPro | MuxProtocols.MuxCool,
            MuxCoolGrace = TimeSpan.FromMilliseconds(20),
        };
        // A Server, so that a main connection may be inside the main connection.
        // No flow waits for the main connection that follows.
        var context = new ServerContext { Flows = new FlowTable(maxParked: 0) };
        var worker = new ServerWorker(server, new Server(targets, options) { Flows = context.Flows }, options, context);
        Task reading = ReadAsync(client.Input, default);
        await SendAsync(client.Output, input).ConfigureAwait(false);
        await WaitAsync(reading, "The server does not close").ConfigureAwait(false);
        await WaitAsync(worker.Completion, "The server does not end").ConfigureAwait(false);
        await WaitAsync(targets.WhenAllAsync(), "A target is left open").ConfigureAwait(false);
        await EnsureNothingIsLeftAsync(slabs, worker.ActiveSessions, complaints).ConfigureAwait(false);
    }

    /// <summary>Targets of all sorts, chosen by the port.</summary>
    private sealed class Targets : IDispatcher
    {
        private readonly ConcurrentBag<Task> _running = [];

        public async ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        {
            int sort = destination.Port % 8;
            switch (sort)
            {
                case 0:
                    throw new SessionException(ErrorCode.DestinationUnreachable, "It is not there.");
                case 1:
                    // Until the session ends.
                    return await new TaskCompletionSource<Link>().Task.WaitAsync(cancellationToken).ConfigureAwait(false);
                case 2:
                    await Task.Yield();
                    break;
            }

            (Link near, Link far) = Link.CreatePair();
            _running.Add(ServeAsync(far, sort));
            return near;
        }

        public async ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
        {
            if (destination.Port % 8 == 0)
            {
                throw new SessionException(ErrorCode.ProxyRejected, "It is not allowed.");
            }

            await Task.Yield();
            (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(destination);
            _running.Add(EchoAsync(far));
            return near;
        }

        public Task WhenAllAsync() => Task.WhenAll(_running);

        private static async Task ServeAsync(Link link, int sort)
        {
            try
            {
                switch (sort)
                {
                    case 3:
                        link.Abort();
                        break;
                    case 4:
                        await link.Output.WriteAsync("banner"u8.ToArray()).ConfigureAwait(false);
                        await link.Output.CompleteAsync().ConfigureAwait(false);
                        await link.Input.CopyToAsync(Stream.Null).ConfigureAwait(false);
                        break;
                    case 5:
                        await link.Output.WriteAsync(new byte[200_000]).ConfigureAwait(false);
                        break;
                    default:
                        await link.Input.CopyToAsync(link.Output).ConfigureAwait(false);
                        break;
                }
            }
            catch (IOException)
            {
                // The session was reset.
            }

            await link.DisposeAsync().ConfigureAwait(false);
        }
    }
}
