namespace MuxPro.Proxy.Shared;

/// <summary>
/// Reads what comes before the data of a connection: bytes, lines, heads. It may read ahead; what it has too much is <see cref="Buffered"/>.
/// </summary>
internal sealed class HandshakeReader(Stream stream, int capacity = 1024)
{
    private byte[] _buffer = new byte[capacity];
    private int _start;
    private int _end;

    /// <summary>What was read and not consumed; valid until the next read.</summary>
    public ReadOnlyMemory<byte> Buffered => _buffer.AsMemory(_start, _end - _start);

    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>Makes room for large reads, for those who go on to read a body.</summary>
    public void EnsureCapacity(int size)
    {
        if (_buffer.Length < size)
        {
            Move(new byte[size]);
        }
    }

    /// <summary>Reads once, as much as comes.</summary>
    /// <returns>Whether something came; otherwise the other end is done.</returns>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _buffer.Length)
        {
            Move(_start > 0 ? _buffer : new byte[_buffer.Length * 2]);
        }

        int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        return read > 0;
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

    /// <summary>Everything up to and with the first empty line; valid until the next read.</summary>
    /// <returns>The head, or <see langword="null"/> where there is none within <paramref name="limit"/> bytes.</returns>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadHeadAsync(int limit, CancellationToken cancellationToken)
    {
        int searched = 0;
        while (true)
        {
            int found = Buffered.Span[searched..].IndexOf("\r\n\r\n"u8);
            if (found >= 0)
            {
                int length = searched + found + 4;
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

    private void Move(byte[] target)
    {
        Buffer.BlockCopy(_buffer, _start, target, 0, _end - _start);
        _buffer = target;
        _end -= _start;
        _start = 0;
    }
}
