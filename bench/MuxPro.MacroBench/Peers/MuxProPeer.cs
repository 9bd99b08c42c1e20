using System.Net.Sockets;

namespace MuxPro.MacroBench.Peers;

/// <summary>
/// This library, through its public surface and with its default settings; one main connection however many sub-connections.
/// </summary>
internal sealed class MuxProPeer(Options options) : IStreamOpener
{
    private static readonly Destination Target = Destination.Tcp("bench.example", 80);
    private static readonly ClientStrategy OneMainConnection = new() { MaxConcurrency = ushort.MaxValue, MaxConnection = 0 };

    private readonly ClientManager _client = MuxClient.Connect(_ => DialAsync(options), OneMainConnection, SettingsOf(options));

    public static async Task ServeAsync(Options options, Func<BenchStream, Task> handle)
    {
        using Socket listener = Tcp.Listen(options.Listen);
        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            _ = ServeAsync(socket, options, handle);
        }
    }

    public async ValueTask<BenchStream> OpenAsync(byte priority) => ToStream(await _client.OpenAsync(Target, priority), options);

    private static async Task ServeAsync(Socket socket, Options options, Func<BenchStream, Task> handle)
    {
        Link link = IsTls(options) ? await Link.AcceptTlsAsync(socket, Tls.Server) : Link.FromSocket(socket);
        await foreach (Session session in new Server(options: SettingsOf(options)).AcceptAllAsync(link))
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static work => _ = work.Handle(ToStream(work.Session, work.Options)),
                (Handle: handle, Session: session, Options: options),
                preferLocal: false);
        }
    }

    private static async ValueTask<Link> DialAsync(Options options)
    {
        Socket socket = await Tcp.ConnectAsync(options.Connect);
        return IsTls(options) ? await Link.ConnectTlsAsync(socket, Tls.Client) : Link.FromSocket(socket);
    }

    private static MuxOptions SettingsOf(Options options)
        => options.WindowBudget > 0 ? new MuxOptions { WindowBudget = options.WindowBudget } : new MuxOptions();

    private static bool IsTls(Options options) => options.Peer == "muxpro-tls";

    private static BenchStream ToStream(Session session, Options options)
        => options.Peer == "muxpro-stream" ? new ByteBenchStream(session.AsStream()) : new SessionStream(session);

    private sealed class SessionStream(Session session) : PipeBenchStream(session.Input, session.Output)
    {
        public override ValueTask CloseAsync() => session.DisposeAsync();
    }
}
