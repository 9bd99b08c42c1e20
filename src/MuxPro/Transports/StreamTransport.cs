using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using MuxPro.Buffers;
using MuxPro.Core;

namespace MuxPro.Transports;

/// <summary>Any stream: TLS, pipes in memory, another sub-connection. Pieces of a batch are written one after the other.</summary>
internal sealed class StreamTransport : Transport
{
    private readonly Link _link;
    private readonly SocketTuning? _tuning;
    private readonly Stream _stream;
    private readonly RecordStream? _records;
    private long _taken;

    public StreamTransport(Link link, SocketTuning? tuning, ILogger log)
        : base(log)
    {
        _link = link;
        _tuning = tuning;
        _stream = link.AsStream();
        _records = (link as StreamLink)?.Records;
        _records?.StartBuffering();
    }

    public override EndPoint? RemoteEndPoint => _link.RemoteEndPoint;

    public override long BytesTaken => Volatile.Read(ref _taken);

    public override TcpFigures Look() => _tuning?.Look() ?? default;

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => _stream.ReadAsync(buffer);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(SendBatch batch)
    {
        foreach (ArraySegment<byte> piece in batch.Pieces)
        {
            await _stream.WriteAsync(piece).ConfigureAwait(false);
            Volatile.Write(ref _taken, _taken + piece.Count);
        }

        if (_records is not null)
        {
            await _records.SendWrittenAsync().ConfigureAwait(false);
        }
        else
        {
            await _stream.FlushAsync().ConfigureAwait(false);
        }
    }

    public override ValueTask CompleteWritesAsync()
        => _link is StreamLink stream ? stream.CompleteWritesAsync() : _link.Output.CompleteAsync();

    protected override void AbortLink() => _link.Abort(new IOException("The main connection was closed."));

    protected override ValueTask DisposeLinkAsync() => _link.DisposeAsync();
}
