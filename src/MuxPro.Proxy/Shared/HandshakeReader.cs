using System.Buffers;

namespace MuxPro.Proxy.Shared;

/// <summary>
/// Reads what comes before the data of a connection: bytes, lines, heads. It may read ahead; what it has too much is
/// <see cref="Buffered"/>.
/// </summary>
internal sealed class HandshakeReader(Stream stream, int capacity = 1024)
{
    private const int BodyBuffer = 32 * 1024;

    private readonly byte[] _small = new byte[capacity];
    private byte[] _buffer = [];
    private int _start;
    private int _end;

    // A read that goes on although who started it did not wait for its end. What it brings is here once somebody has taken it.
    private Task<int>? _watch;

    /// <summary>What was read and not consumed; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Buffered => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Whether the stream has nothing of its own here any more, so that others can read it.</summary>
    public bool IsDone => _watch is null && _start == _end;

    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>Reads once, as much as comes.</summary>
    /// <returns>Whether something came; otherwise the other end is done.</returns>
    public ValueTask<bool> FillAsync(CancellationToken cancellationToken)
        => _watch is null ? ReadOnceAsync(cancellationToken) : FillFromWatchAsync(cancellationToken);

    /// <summary>Reads once, but only waits as long as it may: the next one who reads gets what the read brings.</summary>
    /// <returns>Whether something came, or the other end is done; <see langword="null"/> where the wait was over before.</returns>
    public async ValueTask<bool?> WatchAsync(CancellationToken over)
    {
        if (_watch is null)
        {
            MakeRoom();
            _watch = stream.ReadAsync(_buffer.AsMemory(_end), CancellationToken.None).AsTask();
        }

        Task<int> watch = _watch;

        // Nearly every watch is over before something comes: that must not cost an exception.
        await ((Task)watch).WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!watch.IsCompleted)
        {
            return null;
        }

        int read = await watch;
        _watch = null;
        _end += read;
        return read > 0;
    }

    /// <summary>Gives a large buffer back that holds nothing, where the connection may idle now.</summary>
    public void Shrink()
    {
        if (_watch is null && _start == _end)
        {
            Take(_small);
        }
    }

    /// <summary>The next byte, which stays where it is.</summary>
    public async ValueTask<byte> PeekAsync(CancellationToken cancellationToken)
    {
        await AtLeastAsync(1, cancellationToken);
        return _buffer[_start];
    }

    /// <summary>Exactly so many bytes; valid until the next read.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(int count, CancellationToken cancellationToken)
    {
        await AtLeastAsync(count, cancellationToken);
        ReadOnlyMemory<byte> bytes = _buffer.AsMemory(_start, count);
        _start += count;
        return bytes;
    }

    /// <summary>
    /// Everything up to and with the first empty line, whose breaks may be bare line feeds (RFC 9112 2.2); valid until the next read.
    /// </summary>
    /// <returns>The head, or <see langword="null"/> where there is none within <paramref name="limit"/> bytes.</returns>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadHeadAsync(int limit, CancellationToken cancellationToken)
    {
        int searched = 0;
        while (true)
        {
            int length = LengthOfHead(Buffered.Span, searched);
            if (length > 0)
            {
                if (length > limit)
                {
                    return null;
                }

                return await ReadAsync(length, cancellationToken);
            }

            searched = Math.Max(0, Buffered.Length - 3);
            if (Buffered.Length >= limit)
            {
                return null;
            }

            await AtLeastAsync(Buffered.Length + 1, cancellationToken);
        }
    }

    private static int LengthOfHead(ReadOnlySpan<byte> bytes, int searched)
    {
        while (true)
        {
            int found = bytes[searched..].IndexOf((byte)'\n');
            if (found < 0)
            {
                return 0;
            }

            searched += found + 1;
            ReadOnlySpan<byte> next = bytes[searched..];
            int ending = next.StartsWith("\n"u8) ? 1 : next.StartsWith("\r\n"u8) ? 2 : 0;
            if (ending > 0)
            {
                return searched + ending;
            }
        }
    }

    private async ValueTask AtLeastAsync(int count, CancellationToken cancellationToken)
    {
        while (_end - _start < count)
        {
            if (!await FillAsync(cancellationToken))
            {
                throw new EndOfStreamException("The connection ended in the middle of its handshake.");
            }
        }
    }

    private async ValueTask<bool> FillFromWatchAsync(CancellationToken cancellationToken)
        => await WatchAsync(cancellationToken) ?? throw new OperationCanceledException(cancellationToken);

    private async ValueTask<bool> ReadOnceAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        return read > 0;
    }

    private void MakeRoom()
    {
        if (_buffer.Length == 0)
        {
            _buffer = _small;
        }
        else if (_end == _buffer.Length)
        {
            // A read that filled the buffer, of which all was consumed, is one of a body: more of it comes.
            Take(_start == _end ? Rent(BodyBuffer) : _start > 0 ? _buffer : Rent(_buffer.Length * 2));
        }
        else if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    private byte[] Rent(int size) => _buffer.Length >= size ? _buffer : ArrayPool<byte>.Shared.Rent(size);

    private void Take(byte[] target)
    {
        byte[] old = _buffer;
        Buffer.BlockCopy(old, _start, target, 0, _end - _start);
        _buffer = target;
        _end -= _start;
        _start = 0;
        if (old != target && old != _small && old.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(old);
        }
    }
}
