using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>
/// A TCP service that sends bytes, takes them or gives them back, as many as it is asked for, and whose other end can tell whether they are
/// the right ones.
/// </summary>
/// <remarks>
/// <code>
/// | D (1) | length (8) | -> bytes
/// | U (1) | length (8) | bytes | -> SHA-256 (32)
/// | E (1) | length (8) | bytes | -> bytes
/// </code>
/// </remarks>
internal sealed class LoadTarget : IAsyncDisposable
{
    private const int Chunk = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public LoadTarget()
    {
        _listener.Start(512);
        _running = RunAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public Destination Destination => Destination.Tcp(IPAddress.Loopback, Port);

    /// <summary>Has the service send, and checks what comes.</summary>
    public static async Task DownloadAsync(Stream stream, long length, CancellationToken cancellationToken)
    {
        await AskAsync(stream, 'D', length, cancellationToken);
        byte[] expected = await HashAsync(new Bytes(length), length, cancellationToken);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(await HashAsync(stream, length, cancellationToken)));
    }

    /// <summary>Has the service take bytes, and checks what it says of them.</summary>
    public static async Task UploadAsync(Stream stream, long length, CancellationToken cancellationToken)
    {
        await AskAsync(stream, 'U', length, cancellationToken);
        byte[] expected = await HashAsync(new Bytes(length), length, cancellationToken);
        await new Bytes(length).CopyToAsync(stream, Chunk, cancellationToken);
        byte[] said = new byte[SHA256.HashSizeInBytes];
        await stream.ReadExactlyAsync(said, cancellationToken);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(said));
    }

    /// <summary>Has the service give back each message before the next one is sent.</summary>
    public static async Task EchoAsync(Stream stream, int[] lengths, CancellationToken cancellationToken)
    {
        await AskAsync(stream, 'E', lengths.Sum(), cancellationToken);
        foreach (int length in lengths)
        {
            byte[] sent = new byte[length];
            new Bytes(length).ReadExactly(sent);
            await stream.WriteAsync(sent, cancellationToken);
            byte[] answer = new byte[length];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            Assert.Equal(sent, answer);
        }
    }

    /// <summary>Has the service send, and leaves the rest to the caller.</summary>
    public static ValueTask AskAsync(Stream stream, char what, long length, CancellationToken cancellationToken)
    {
        byte[] request = new byte[9];
        request[0] = (byte)what;
        BinaryPrimitives.WriteInt64BigEndian(request.AsSpan(1), length);
        return stream.WriteAsync(request, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _running;
        _stopping.Dispose();
    }

    private static async Task<byte[]> HashAsync(Stream stream, long length, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[Chunk];
        while (length > 0)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)), cancellationToken);
            Assert.True(read > 0, $"The stream ended {length} bytes early.");
            hash.AppendData(buffer, 0, read);
            length -= read;
        }

        return hash.GetHashAndReset();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stopping.Token);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            byte[] request = new byte[9];
            await stream.ReadExactlyAsync(request, _stopping.Token);
            long length = BinaryPrimitives.ReadInt64BigEndian(request.AsSpan(1));
            if (request[0] == 'D')
            {
                await new Bytes(length).CopyToAsync(stream, Chunk, _stopping.Token);
            }
            else if (request[0] == 'E')
            {
                await EchoAsync(stream, length);
            }
            else
            {
                await stream.WriteAsync(await HashAsync(stream, length, _stopping.Token), _stopping.Token);
            }

            socket.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(request, _stopping.Token) > 0)
            {
            }
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or OperationCanceledException or Xunit.Sdk.XunitException)
        {
            // The other end has gone; it says what is wrong.
        }
    }

    private async Task EchoAsync(NetworkStream stream, long length)
    {
        byte[] buffer = new byte[Chunk];
        while (length > 0)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, Chunk)), _stopping.Token);
            if (read == 0)
            {
                return;
            }

            await stream.WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
            length -= read;
        }
    }

    /// <summary>So many bytes that do not repeat.</summary>
    private sealed class Bytes(long length) : Stream
    {
        private ulong _state = (ulong)length + 0x9E3779B97F4A7C15;
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(_left, buffer.Length & ~7);
            count = count == 0 ? (int)Math.Min(_left, buffer.Length) : count;
            Span<byte> word = stackalloc byte[8];
            for (int i = 0; i < count; i += 8)
            {
                // xorshift64
                _state ^= _state << 13;
                _state ^= _state >> 7;
                _state ^= _state << 17;
                BinaryPrimitives.WriteUInt64LittleEndian(word, _state);
                word[..Math.Min(8, count - i)].CopyTo(buffer[i..]);
            }

            _left -= count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => ValueTask.FromResult(Read(buffer.Span));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
