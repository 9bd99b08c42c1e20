using System.Net.Sockets;
using Nerdbank.Streams;

namespace MuxPro.MacroBench.Peers;

/// <summary>Nerdbank.Streams MultiplexingStream, protocol version 3, default settings, anonymous channels.</summary>
internal sealed class NerdbankPeer(MultiplexingStream session) : IStreamOpener
{
    public static async Task ServeAsync(Options options, Func<BenchStream, Task> handle)
    {
        using Socket listener = Tcp.Listen(options.Listen);
        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            Stream stream = IsTls(options) ? await Tls.AcceptAsync(socket) : new NetworkStream(socket, ownsSocket: true);
            MultiplexingStream session = await MultiplexingStream.CreateAsync(stream, Settings());
            session.ChannelOffered += (_, offer) =>
            {
                MultiplexingStream.Channel channel = session.AcceptChannel(offer.QualifiedId.Id);
                _ = Task.Run(() => handle(new ChannelStream(channel)));
            };
            session.StartListening();
        }
    }

    public static async Task<NerdbankPeer> ConnectAsync(Options options)
    {
        Socket socket = await Tcp.ConnectAsync(options.Connect);
        Stream stream = IsTls(options) ? await Tls.ConnectAsync(socket) : new NetworkStream(socket, ownsSocket: true);
        MultiplexingStream session = await MultiplexingStream.CreateAsync(stream, Settings());
        session.StartListening();
        return new NerdbankPeer(session);
    }

    public ValueTask<BenchStream> OpenAsync(byte priority) => new(new ChannelStream(session.CreateChannel()));

    private static bool IsTls(Options options) => options.Peer == "net-nerdbank-tls";

    private static MultiplexingStream.Options Settings() => new() { ProtocolMajorVersion = 3, StartSuspended = true };

    private sealed class ChannelStream(MultiplexingStream.Channel channel) : PipeBenchStream(channel.Input, channel.Output)
    {
        public override async ValueTask CloseAsync()
        {
            await Output.CompleteAsync();
            await Input.CompleteAsync();
        }
    }
}
