using System.Net.Sockets;

namespace MuxPro.MacroBench.Peers;

/// <summary>No multiplexer: every stream is a TCP connection of its own. The limit to compare with.</summary>
internal sealed class RawTcp(Options options) : IStreamOpener
{
    public static async Task ServeAsync(Options options, Func<BenchStream, Task> handle)
    {
        using Socket listener = Tcp.Listen(options.Listen);
        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = HandleAsync(socket);
        }

        async Task HandleAsync(Socket socket)
            => await handle(IsTls(options) ? new ByteBenchStream(await Tls.AcceptAsync(socket)) : new SocketStream(socket));
    }

    public async ValueTask<BenchStream> OpenAsync(byte priority)
    {
        Socket socket = await Tcp.ConnectAsync(options.Socks ?? options.Connect);
        if (options.Socks is not null)
        {
            await Socks5.ConnectAsync(socket, options.Connect);
        }

        return IsTls(options) ? new ByteBenchStream(await Tls.ConnectAsync(socket)) : new SocketStream(socket);
    }

    private static bool IsTls(Options options) => options.Peer == "net-raw-tls";

    private sealed class SocketStream(Socket socket) : BenchStream
    {
        private const int BufferBytes = 65536;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[await socket.SendAsync(bytes)..];
            }
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer) => socket.ReceiveAsync(buffer);

        public override ValueTask CloseAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }

        public override async Task WriteForEverAsync(ReadOnlyMemory<byte> chunk, Counter written)
        {
            while (true)
            {
                for (ReadOnlyMemory<byte> rest = chunk; rest.Length > 0;)
                {
                    rest = rest[await socket.SendAsync(rest)..];
                }

                written.Add(chunk.Length);
            }
        }

        public override async Task ReadToEndAsync(Counter read)
        {
            byte[] buffer = new byte[BufferBytes];
            while (await socket.ReceiveAsync(buffer.AsMemory()) is > 0 and int count)
            {
                read.Add(count);
            }
        }
    }
}
