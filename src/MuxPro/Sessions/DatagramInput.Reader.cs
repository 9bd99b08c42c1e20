using System.Buffers;
using System.Buffers.Binary;
using System.Threading.Tasks.Sources;
using MuxPro.Protocol;

namespace MuxPro.Sessions;

/// <content>The application's side: one receive at a time.</content>
internal sealed partial class DatagramInput
{
    private byte[]? _current; // what the application was given last

    public ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Datagram?>(cancellationToken);
        }

        session.ConfirmOpened();
        short token;
        lock (session.Sync)
        {
            ObjectDisposedException.ThrowIf(_completed, session);
            if (_bytes.IsEmpty && !_ended)
            {
                // An idle flow holds no memory.
                ReturnCurrent();
                token = _wait.Start();
            }
            else
            {
                token = 0;
            }
        }

        if (token == 0)
        {
            return ValueTask.FromResult(Take());
        }

        _wait.Watch(OnCancelled, this, cancellationToken);
        return new ValueTask<Datagram?>(this, token);
    }

    public void Complete(Exception? exception = null)
    {
        bool grant;
        bool wake;
        lock (session.Sync)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            DropBytes();
            grant = session.Consume(session.Incoming.Buffered);
            wake = _wait.Stop();
        }

        if (wake)
        {
            Wake();
        }

        // The other end may wait for credit to come to its End.
        session.Announce(grant);

        if (exception is not null)
        {
            session.Abort(exception);
        }
    }

    Datagram? IValueTaskSource<Datagram?>.GetResult(short token)
    {
        _wait.Finish(token);
        return Take();
    }

    ValueTaskSourceStatus IValueTaskSource<Datagram?>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<Datagram?>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _wait.OnCompleted(continuation, state, token, flags);

    private Datagram? Take()
    {
        Datagram datagram;
        bool grant;
        lock (session.Sync)
        {
            ObjectDisposedException.ThrowIf(_completed, session);
            if (_bytes.IsEmpty)
            {
                ReturnCurrent();
                return _error is null ? null : throw MuxErrors.Copy(_error);
            }

            long before = _bytes.Length;
            Span<byte> head = stackalloc byte[HeadLength + DatagramAddress.MaxLength];
            _bytes.Read(head[..HeadLength]);
            int length = BinaryPrimitives.ReadUInt16BigEndian(head);
            Span<byte> raw = head.Slice(HeadLength, BinaryPrimitives.ReadUInt16BigEndian(head[2..]));
            _bytes.Read(raw);
            Destination address = raw.IsEmpty ? session.Destination : _addresses!.Find(raw)!;
            Memory<byte> data = Rent(length);
            _bytes.Read(data.Span);
            session.Context.Unread.Add(_bytes.Length - before);
            grant = session.Consume(length);
            datagram = new Datagram(data, address);
        }

        session.Announce(grant);
        return datagram;
    }

    private Memory<byte> Rent(int length)
    {
        if (_current is null || _current.Length < length)
        {
            ReturnCurrent();
            _current = length == 0 ? [] : ArrayPool<byte>.Shared.Rent(length);
        }

        return _current.AsMemory(0, length);
    }

    private void ReturnCurrent()
    {
        if (_current is { Length: > 0 })
        {
            ArrayPool<byte>.Shared.Return(_current);
        }

        _current = null;
    }
}
