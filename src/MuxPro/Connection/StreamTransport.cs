using System.Net;
using System.Runtime.CompilerServices;

namespace MuxPro.Connection;

/// <summary>Any stream: TLS, pipes in memory, another sub-connection. A batch is copied into one buffer and written at once.</summary>
internal sealed class StreamTransport(Link link, SocketTuning? tuning) : Transport
{
    private readonly Stream _stream = link.AsStream();
    private byte[]? _buffer;
    private long _taken;

    public override EndPoint? RemoteEndPoint => link.RemoteEndPoint;

    public override TcpFigures Look() => tuning?.Look() ?? default;

    public override long BytesTaken => Volatile.Read(ref _taken);

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => _stream.ReadAsync(buffer);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(SendBatch batch)
    {
        int length = batch.Length;
        byte[] buffer = _buffer is { } kept && kept.Length >= length ? kept : _buffer = new byte[Math.Max(length, 16 * 1024)];
        batch.CopyTo(buffer);

        // In pieces, so that a slow transport is seen to move.
        const int Piece = 64 * 1024;
        for (int sent = 0; sent < length; sent += Piece)
        {
            await _stream.WriteAsync(buffer.AsMemory(sent, Math.Min(Piece, length - sent))).ConfigureAwait(false);
            Volatile.Write(ref _taken, _taken + Piece);
        }

        await _stream.FlushAsync().ConfigureAwait(false);
    }

    public override ValueTask CompleteWritesAsync()
        => link is StreamLink stream ? stream.CompleteWritesAsync() : link.Output.CompleteAsync();

    public override void Abort() => link.Abort(new IOException("The main connection was closed."));

    public override ValueTask DisposeAsync() => link.DisposeAsync();
}
