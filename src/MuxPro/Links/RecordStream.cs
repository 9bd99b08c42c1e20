using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MuxPro.Buffers;

namespace MuxPro;

/// <summary>
/// The socket below TLS. TLS reads and writes a record of at most 16 KiB at a time; here a system call moves many of them. What is written
/// waits for a flush once <see cref="StartBuffering"/> was called. One read and one write at a time; holds no buffer while idle.
/// </summary>
internal sealed class RecordStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    // A batch of the engine and the heads and tags of its records.
    private const int WriteBuffer = SendBatch.MaxBytes + (16 * 1024);
    private const int ReadBuffer = 128 * 1024;

    private bool _isBuffering;
    private byte[]? _written;
    private int _writtenLength;
    private byte[]? _read;
    private int _readStart;
    private int _readEnd;
    private bool _isIdle = true;

    /// <summary>From now on writes wait for a flush. Not before the handshake is done, which does not always flush.</summary>
    public void StartBuffering() => _isBuffering = true;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_readStart == _readEnd)
        {
            if (_isIdle || buffer.IsEmpty)
            {
                await base.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
                if (buffer.IsEmpty)
                {
                    return 0;
                }
            }

            _read ??= ArrayPool<byte>.Shared.Rent(ReadBuffer);
            _readStart = 0;
            _readEnd = await base.ReadAsync(_read, cancellationToken).ConfigureAwait(false);
        }

        int count = Math.Min(buffer.Length, _readEnd - _readStart);
        _read.AsSpan(_readStart, count).CopyTo(buffer.Span);
        _readStart += count;
        if (_readStart == _readEnd)
        {
            // Little came: nothing may follow for long, and the next read waits without a buffer.
            _isIdle = _readEnd < ReadBuffer / 8;
            if (_isIdle && _read is not null)
            {
                ArrayPool<byte>.Shared.Return(_read);
                _read = null;
            }
        }

        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
        => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isBuffering)
        {
            return base.WriteAsync(buffer, cancellationToken);
        }

        if (_writtenLength + buffer.Length > WriteBuffer)
        {
            return WriteSlowAsync(buffer, cancellationToken);
        }

        _written ??= ArrayPool<byte>.Shared.Rent(WriteBuffer);
        buffer.Span.CopyTo(_written.AsSpan(_writtenLength));
        _writtenLength += buffer.Length;
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count)
        => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task FlushAsync(CancellationToken cancellationToken) => SendWrittenAsync(cancellationToken).AsTask();

    public override void Flush() => FlushAsync(CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>A flush that allocates nothing.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendWrittenAsync(CancellationToken cancellationToken = default)
    {
        if (_written is null)
        {
            return;
        }

        int length = _writtenLength;
        _writtenLength = 0;
        await base.WriteAsync(_written.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        if (length < WriteBuffer / 8)
        {
            ArrayPool<byte>.Shared.Return(_written);
            _written = null;
        }
    }

    private async ValueTask WriteSlowAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        await SendWrittenAsync(cancellationToken).ConfigureAwait(false);
        await base.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
    }
}
